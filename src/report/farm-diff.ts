/** What a change of the file means, as text, as JSON, and as the lines that a textconv of git compares. */
import { andMore } from '../core/listing.ts';
import {
  farmDiff,
  foldDiff,
  type DiffGroup,
  type DiffKind,
  type FieldDiff,
  type ThingDiff,
} from '../kinds/farm-diff.ts';
import type { Farm } from '../kinds/farm.ts';
import { clean, colors, count, hang, type Colors } from './text.ts';

const nouns: Readonly<Record<DiffKind, readonly [string, string]>> = {
  farm: ['farm', 'farms'],
  policy: ['policy', 'policies'],
  pool: ['pool', 'pools'],
  server: ['server', 'servers'],
  repository: ['repository', 'repositories'],
  image: ['image', 'images'],
  vm: ['VM', 'VMs'],
};

export const symbols = { added: '+', removed: '-', changed: '~' } as const;
const paints = { added: 'green', removed: 'red', changed: 'yellow' } as const;

/** `VM web-1`, `50 VMs: web-1, …`; the policy has no name. `most`: so many names. */
export const titleOf = (
  { first, names }: DiffGroup,
  quoted: (name: string) => string = clean,
  most = Infinity,
): string => {
  const [one, many] = nouns[first.kind];
  if (names.length > 1) return `${names.length} ${many}: ${andMore(names.map(quoted), most)}`;
  const was = first.was === null ? '' : `, ${quoted(first.was)} before`;
  return `${one}${first.name === '' ? '' : ` ${quoted(first.name)}`}${was}`;
};

const what = { added: 'is new', removed: 'is gone from the file', changed: 'changes' } as const;
const whatMany = { added: 'are new', removed: 'are gone from the file', changed: 'change' } as const;

export const valueOf = (text: string | null): string => (text === null ? 'not said' : text === '' ? '""' : clean(text));

const fieldLine = (f: FieldDiff, is: ThingDiff['is'], width: number, paint: Colors): string => {
  const runs = f.runs ? `   ${paint.yellow('! a command that runs where Reeve runs')}` : '';
  const label = clean(f.field).padEnd(width);
  if (is === 'added') return `    ${label}  ${valueOf(f.to)}${runs}`;
  return `    ${label}  ${paint.dim(valueOf(f.from))} → ${paint.bold(valueOf(f.to))}${runs}`;
};

/** `Diff: 50 VMs change, 1 VM is new; 1 server changes.` */
export const diffSummary = (diff: readonly ThingDiff[]): string => {
  if (diff.length === 0) return 'Nothing changes: both sides describe the same farm.';
  const kinds = [...new Set(diff.map((d) => d.kind))].toReversed();
  const parts = kinds.flatMap((kind) =>
    (['changed', 'added', 'removed'] as const).flatMap((is) => {
      const n = diff.filter((d) => d.kind === kind && d.is === is).length;
      if (n === 0) return [];
      const [one, many] = nouns[kind];
      return [
        kind === 'farm' || kind === 'policy'
          ? `the ${one} ${what[is]}`
          : `${count(n, one, many)} ${n === 1 ? what[is] : whatMany[is]}`,
      ];
    }),
  );
  return `Diff: ${parts.join(', ')}.`;
};

/** Ends in a newline. */
export const renderDiff = (
  diff: readonly ThingDiff[],
  { color, width }: { readonly color: boolean; readonly width: number },
): string => {
  const paint = colors(color);
  const blocks = foldDiff(diff).flatMap((g) => {
    const { is, fields } = g.first;
    const column = Math.max(0, ...fields.map((f) => clean(f.field).length));
    const mark = paint[paints[is]](symbols[is]);
    return [...hang(`${mark} `, titleOf(g), '    ', width), ...fields.map((f) => fieldLine(f, is, column, paint)), ''];
  });
  return `${[...blocks, paint.bold(diffSummary(diff))].join('\n')}\n`;
};

/** Ends in a newline. */
export const diffJson = (diff: readonly ThingDiff[]): string =>
  `${JSON.stringify({ format: 'reeve-diff/1', changes: diff }, null, 2)}\n`;

/** A line for each field of each thing, so that a line-by-line diff shows what changes. */
export const farmLines = (farm: Farm): string =>
  farmDiff(null, farm)
    .flatMap((d) =>
      d.fields.map(
        (f) => `${nouns[d.kind][0]}${d.name === '' ? '' : ` ${clean(d.name)}`}: ${clean(f.field)} = ${valueOf(f.to)}\n`,
      ),
    )
    .join('');
