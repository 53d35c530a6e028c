/** Parts of a report into a number of characters: each part is cut by whole items, and says which it lacks. */

export interface Part {
  /** Stands before the items; not shown where there are none. */
  readonly head: string;
  /** Stands behind them, where there are any. */
  readonly foot?: string;
  readonly items: readonly {
    /** What is called missing where it is cut. */
    readonly name: string;
    /** Made only where there is room. */
    readonly render: () => string;
  }[];
  /** Between items. */
  readonly between: '\n' | '\n\n';
  /** The last line where items were cut. */
  readonly left: (names: readonly string[]) => string;
  /** How much of the room that is left this part may take; 1: all of it. */
  readonly share: number;
}

/** Room for the line that names what was cut. */
const leftRoom = 600;

/** No more characters than `room`; in the given order, which is also that in which room is given away. */
export const fit = (
  parts: readonly Part[],
  room: number,
): { readonly texts: readonly string[]; readonly cut: number } => {
  let free = room;
  let cut = 0;
  const texts = parts.flatMap((p) => {
    if (p.items.length === 0) return [];
    const { foot = '' } = p;
    const budget = Math.floor(free * p.share) - p.head.length - foot.length - leftRoom;
    let used = 0;
    const shown: string[] = [];
    const left: string[] = [];
    for (const { name, render } of p.items) {
      // What is a hundred times too long needs not be made to be left out.
      const text = used >= budget ? null : render();
      if (text === null || used + text.length + p.between.length > budget) left.push(name);
      else {
        shown.push(text);
        used += text.length + p.between.length;
      }
    }
    cut += left.length;
    const body = shown.length === 0 ? [] : [p.head + shown.join(p.between) + foot];
    const text = [...body, ...(left.length === 0 ? [] : [p.left(left)])].join('\n\n');
    free -= text.length + 2;
    return [text];
  });
  return { texts, cut };
};
