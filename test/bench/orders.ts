/** An order: nine fields, the value of every record of the benchmarks. */
export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly status: string;
  readonly amount: number;
  readonly quantity: number;
  readonly currency: string;
  readonly express: boolean;
  readonly createdAt: string;
  readonly note: string;
}

/** How long an order is as JSON on average. */
export const bytesPerOrder = 400;
const spreadBytes = 80;

const statuses = ['new', 'paid', 'packed', 'shipped', 'returned'];
const currencies = ['EUR', 'USD', 'GBP', 'JPY'];
const firstCreatedAt = Date.UTC(2026, 0, 1);
const words = 'leave it with the neighbours, ring twice, mind the step, call before noon, gift wrapped, '.repeat(8);

/** The order of that number, the same each time. */
export function order(id: number): Order {
  const random = generator(id);
  const bare = {
    id,
    customer: `customer-${1_000_000 + Math.floor(random() * 1_000_000)}`,
    status: statuses[Math.floor(random() * statuses.length)] ?? '',
    amount: Math.floor(random() * 1_000_000) / 100,
    quantity: 1 + Math.floor(random() * 20),
    currency: currencies[Math.floor(random() * currencies.length)] ?? '',
    express: random() < 0.25,
    createdAt: new Date(firstCreatedAt + id * 250).toISOString(),
    note: '',
  };
  const bytes = bytesPerOrder + Math.floor((random() - 0.5) * spreadBytes);
  const from = Math.floor(random() * 90);
  return { ...bare, note: words.slice(from, from + bytes - JSON.stringify(bare).length) };
}

/** The columns of an order in PostgreSQL. */
export const orderColumns = `id bigint, customer text, status text, amount numeric(12, 2), quantity integer check (quantity > 0), currency text,
  express boolean, "createdAt" timestamptz, note text`;

function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
