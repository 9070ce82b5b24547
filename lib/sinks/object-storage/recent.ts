import type { Element } from './element.ts';

/** The last object that this process knows of in each lane: a look back begins there. It may vanish at any time. */
export interface Recent {
  get(lane: string): Element | undefined;
  set(lane: string, element: Element): void;
}

const mostKept = 10_000;

export function recentElements(): Recent {
  const elements = new Map<string, Element>(); // the one set last comes last
  return {
    get: (lane) => elements.get(lane),
    set(lane, element) {
      elements.delete(lane);
      elements.set(lane, element);
      for (const oldest of elements.keys()) {
        if (elements.size <= mostKept) break;
        elements.delete(oldest);
      }
    },
  };
}
