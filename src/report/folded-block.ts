/** The block of several VMs that get the same: who they are, what each gets, and the option that would do it for all of them. */
import type { Refusal } from '../kinds/plan.ts';
import { groupBy } from '../core/order.ts';
import { allowFor, allowing } from './change-text.ts';
import { masker, nameRuns, type Folded } from './fold.ts';
import { clean, count, hang } from './text.ts';
import { refusalLines, rowLines, lookAt, type BlockOptions } from './vm-block.ts';

const indent = '    ';

/** More runs of names than this have lines of their own. */
const mostRuns = 4;

const inOrder = (all: readonly string[]): string => [...new Set(all)].sort().map(clean).join(', ');

const placeOf = ({ parts }: Folded): string => {
  const from = inOrder(parts.flatMap(({ vm }) => (vm.server === '' ? [] : [vm.server])));
  const to = inOrder(parts.flatMap(({ vm }) => vm.to ?? []));
  if (from === '') return '';
  return to === '' ? ` on ${from}` : ` on ${from} → ${to}`;
};

/** What waits, by what would do it now. */
const waitingLines = ({ parts }: Folded, o: BlockOptions): readonly string[] => {
  const waits = parts.flatMap(({ vm }) =>
    vm.changes
      .filter((c) => c.fate === 'defer' || c.fate === 'pending')
      .flatMap((c) => {
        const allow = allowFor(vm.subject.name, c);
        return allow ? [{ ...allow, written: c.fate === 'defer' }] : [];
      }),
  );
  return [...groupBy(waits, (w) => w.disruption).entries()].flatMap(([disruption, all]) => {
    const written = all.some((w) => w.written) ? 'written to the cfg, ' : '';
    const now = allowing(disruption, [...new Set(all.map((w) => w.pattern))]);
    return hang(indent, clean(`${written}waits for the next restart; ${now} does it now`), `${indent}  `, o.width);
  });
};

const refusalOf = (r: Refusal, { parts }: Folded): Refusal => {
  const mask = masker(clean(r.subject.name));
  const names = parts.map(({ vm }) => vm.subject.name);
  const help = r.needs === null ? r.help && mask(r.help) : allowing(r.needs, names);
  return { ...r, what: mask(r.what), why: mask(r.why), help };
};

export const foldedBlock = (folded: Folded, o: BlockOptions): readonly string[] => {
  const [first] = folded.parts;
  if (!first) return [];
  const { symbol, paint } = lookAt(first.vm.action);
  const names = nameRuns(folded.parts.map(({ vm }) => clean(vm.subject.name)));
  const short = names.length <= mostRuns;
  const all = count(folded.parts.length, 'VM');
  const who = short ? names.join(', ') : all;
  const where = `${placeOf(folded)}: ${short ? `${all}, ` : ''}the same for each:`;
  const head = `${o.paint[paint](symbol)} ${o.paint.bold(who)}${where}`;
  const does = o.paint[paint](folded.head);
  const fits = `  ${who}${where} ${folded.head}`.length <= o.width;
  return [
    ...(fits ? [`${head} ${does}`] : [head, indent + does]),
    ...(short ? [] : hang(indent, names.join(', '), indent, o.width)),
    ...rowLines(folded.rows, o),
    ...waitingLines(folded, o),
    ...first.refused.flatMap((r) => refusalLines(refusalOf(r, folded), o)),
  ];
};
