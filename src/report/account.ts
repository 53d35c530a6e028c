/** What is known of one VM, for the person who asks why. */
import type { Way } from '../core/change.ts';
import { changeText } from './change-text.ts';
import { clean, colors, hang, type Colors } from './text.ts';
import type { Account } from '../kinds/account.ts';
import { table } from '../core/table.ts';

const howFound: Readonly<Record<string, string>> = table({
  uuid: 'known by the UUID that the file gives',
  marker: 'known by the marker in its cfg',
  name: 'known by its name; its cfg has no marker yet',
});

const wayText = (w: Way): string =>
  w.illegal === undefined
    ? `${w.disruption} (${w.how}): ${w.why}`
    : `${w.disruption} (${w.how}) is not possible: ${w.illegal}`;

/** The fields that cost the same for the same reason stand together. */
const costLines = (a: Account, width: number): readonly string[] => {
  const same = new Map<string, string[]>();
  for (const { field, ways } of a.costs) {
    const text = ways.map(wayText).join('; or ');
    same.set(text, [...(same.get(text) ?? []), field]);
  }
  return [...same].flatMap(([text, all]) => [
    ...hang('  ', all.map(clean).join(', '), '  ', width),
    ...hang('      ', clean(text), '      ', width),
  ]);
};

const place = (a: Account): string => {
  if (a.server === null) return `nowhere: no server of pool ${a.pool} has a domain or a cfg of it`;
  const how = a.found === null ? '' : `; ${howFound[a.found] ?? a.found}`;
  return `on ${a.server} of pool ${a.pool}, ${a.running ? 'running' : 'not running'}${a.cfg === null ? ', without a cfg' : `, ${a.cfg}`}${how}`;
};

const section = (title: string, lines: readonly string[], paint: Colors): readonly string[] =>
  lines.length === 0 ? [] : ['', paint.bold(title), ...lines];

/** Ends in a newline. */
export const renderAccount = (
  a: Account,
  { color, width }: { readonly color: boolean; readonly width: number },
): string => {
  const paint = colors(color);
  const column = Math.max(0, ...a.servers.map((s) => clean(s.name).length)) + 2;
  const servers = a.servers.flatMap((s) => {
    const here = s.name === a.server;
    const text =
      s.lacks === null
        ? here
          ? 'it is there, and may stay'
          : 'could have it'
        : `${here ? 'it is there, but the server ' : ''}${s.lacks}`;
    return hang(`  ${clean(s.name).padEnd(column)}`, clean(text), ' '.repeat(column + 2), width);
  });
  const why = [
    ...(a.leaves === null ? [] : hang('  ', `It cannot stay: ${clean(a.leaves)}.`, '  ', width)),
    ...(a.stays === null ? [] : hang('  ', `It cannot be moved: ${clean(a.stays)}.`, '  ', width)),
  ];
  const changes = (a.planned?.changes ?? []).flatMap((c) => {
    const t = changeText(c);
    const head = `${t.label} ${t.from}${t.to === '' ? '' : ` → ${t.to}`}: ${c.fate}`;
    return [
      ...hang('  ', clean(head), '    ', width),
      ...c.ways.flatMap((w) => hang('      ', clean(wayText(w)), '        ', width)),
    ];
  });
  const moved = a.planned?.to ? [`  It goes to ${clean(a.planned.to)}: ${clean(a.planned.placed ?? '')}.`] : [];
  return `${[
    `${paint.bold(clean(a.key))} is ${clean(place(a))}.`,
    ...section('Servers', [...servers, ...why], paint),
    ...section(
      'This plan',
      [
        ...moved,
        ...changes,
        ...a.refused.flatMap((r) =>
          hang('  ', clean(`refused: ${r.what}: ${r.why}${r.help === null ? '' : `; ${r.help}`}`), '    ', width),
        ),
      ],
      paint,
    ),
    ...section('What a change would cost now', costLines(a, width), paint),
  ].join('\n')}\n`;
};
