import { differentOf, type Findings, shortened, type Target } from '../target.ts';

/** The terminal: the lines that the connector printed. */
export function consoleTarget(printed: readonly string[]): Target {
  return {
    connector: 'quakes-to-alerts',
    label: 'standard output of the connector',
    through: 'as it was printed',
    forgets: true,
    env: {},
    readBack: async () => printedLines(printed),
    stop: async () => undefined,
  };
}

const place = /\(([\w.-]+-\d+@\d+)\)$/;

/** Lines of the console sink, each with its place in brackets at the end. */
export function printedLines(printed: readonly string[]): Findings {
  const places = printed.map((line) => place.exec(line)?.[1] ?? '');
  return {
    ...{ what: 'lines', total: printed.length, different: differentOf(places) },
    lines:
      printed.length === 0
        ? []
        : [
            ['one line', shortened(printed[0] ?? '')],
            ['from', places[0] ?? ''],
          ],
  };
}
