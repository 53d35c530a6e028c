/** Tables in columns, as `status` and `history` print them. */
import { clean, hang, type Colors } from './text.ts';

export type Paint = (text: string) => string;
export const plain: Paint = (text) => text;

export interface Cell {
  readonly text: string;
  readonly paint?: Paint;
  readonly right?: true;
}

export interface Line {
  readonly cells: readonly Cell[];
  readonly notes: readonly Note[];
}

/** Below its line: `!` is a problem. */
export interface Note {
  readonly mark: '!' | '·' | ' ';
  readonly text: string;
}

/** What stands below a line. */
export const note =
  (mark: Note['mark']) =>
  (text: string): Note => ({ mark, text });

/** The last column is not padded; notes hang below their line. */
export const tableOf = (
  heads: readonly string[],
  lines: readonly Line[],
  width: number,
  paint: Colors,
): readonly string[] => {
  const widths = heads.map((head, i) => Math.max(head.length, ...lines.map((l) => l.cells[i]?.text.length ?? 0)));
  const render = (cells: readonly Cell[]): string =>
    `  ${cells
      .map(({ text, paint: p = plain, right }, i) => {
        const pad = ' '.repeat(Math.max(0, (widths[i] ?? 0) - text.length));
        const painted = text === '' ? '' : p(text);
        return right ? pad + painted : painted + pad;
      })
      .join('  ')}`.trimEnd();
  const head = render(
    heads.map((text, i) => ({
      text,
      paint: paint.dim,
      ...(lines[0]?.cells[i]?.right ? { right: true as const } : {}),
    })),
  );
  return [
    head,
    ...lines.flatMap((l) => [
      render(l.cells),
      ...l.notes.flatMap(({ mark, text }) => {
        const first = mark === '!' ? paint.yellow(mark) : mark;
        return hang(`      ${first} `, clean(text), '        ', width);
      }),
    ]),
  ];
};
