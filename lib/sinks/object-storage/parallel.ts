/** Does the work for each item, a limited number at once. Throws what was thrown first, once nothing is under way any more. */
export async function inParallel<Item>(items: readonly Item[], limit: number, work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const take = async (): Promise<void> => {
    for (let index = next++; index < items.length && failure === undefined; index = next++) {
      try {
        await work(items[index] as Item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, take));
  if (failure !== undefined) throw failure.error;
}
