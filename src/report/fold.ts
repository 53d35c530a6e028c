/** VMs that get one and the same change are told as one block: what differs in name, address or place only is the same. */
import { severity } from '../core/disruption.ts';
import { byText, groupBy } from '../core/order.ts';
import type { Operation, PlanVm, Refusal } from '../kinds/plan.ts';
import type { ChangeText } from './change-text.ts';
import { clean } from './text.ts';
import { downtimeOf, headline, vmRows } from './vm-block.ts';

export interface VmPart {
  readonly vm: PlanVm;
  readonly operations: readonly Operation[];
  readonly refused: readonly Refusal[];
}

/** What is refused first, then worst first: by disruption, then by downtime. */
export const urgent = (a: VmPart, b: VmPart): number =>
  Number(b.refused.length > 0) - Number(a.refused.length > 0) ||
  severity(b.vm.disruption) - severity(a.vm.disruption) ||
  downtimeOf(b.operations) - downtimeOf(a.operations) ||
  byText(a.vm.subject.name, b.vm.subject.name);

const numbered = /^(.*?)(\d+)$/;

/** `web-01 … web-16, web-18, db`: three and more whose numbers follow each other are told by their ends. In their order. */
export const nameRuns = (all: readonly string[]): readonly string[] => {
  const out: string[] = [];
  let run: string[] = [];
  const follows = (name: string): boolean => {
    const [, stem, digits = ''] = numbered.exec(run.at(-1) ?? '') ?? [];
    const next = numbered.exec(name);
    if (stem === undefined || next?.[1] !== stem) return false;
    return Number(next[2]) === Number(digits) + 1 && (next[2]?.length === digits.length || !digits.startsWith('0'));
  };
  const flush = (): void => {
    if (run.length > 2) out.push(`${run[0]} … ${run.at(-1)}`);
    else out.push(...run);
    run = [];
  };
  for (const name of all) {
    if (!follows(name)) flush();
    run.push(name);
  }
  flush();
  return out;
};

/** Stands for the name of each VM of a block. */
const anyName = 'NAME';

/** Without what is each VM's own: its name, its MACs, and the digits that tell its disks and UUIDs apart. */
export const masker = (name: string): ((text: string) => string) => {
  const own = new RegExp(`(?<![\\w-])${name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}(?![\\w])`, 'g');
  return (text) =>
    text
      .replaceAll(own, anyName)
      .replaceAll(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, 'MAC')
      .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID')
      .replaceAll(/(?<=-)[0-9a-f]{8}(?=\.|$)/g, '…');
};

/** Of several VMs: as one of them, with `NAME` for its name. */
export interface Folded {
  readonly parts: readonly VmPart[];
  readonly rows: readonly ChangeText[];
  /** What is said behind their names. */
  readonly head: string;
}

const rowsOf = ({ vm, operations }: VmPart): readonly ChangeText[] => {
  const mask = masker(clean(vm.subject.name));
  // Why a new VM is where it is says how full that server is.
  return vmRows(vm, operations)
    .filter((r) => r.label !== 'placed')
    .map((r) => ({ label: r.label, from: mask(r.from), to: mask(r.to), note: mask(r.note) }));
};

const keyOf = (part: VmPart): string => {
  const { vm, operations, refused } = part;
  const mask = masker(clean(vm.subject.name));
  return JSON.stringify([
    vm.action,
    vm.disruption,
    vm.changes.map((c) => [c.field.startsWith('nics.mac ') ? 'nics' : c.field, c.fate, c.way?.disruption]),
    headline(vm, operations, refused),
    rowsOf(part),
    refused.map((r) => [mask(r.what), r.code, mask(r.why), mask(r.help ?? ''), r.needs]),
  ]);
};

/** How many are told one by one. */
const fewest = 3;

/** In the order of the first of each. */
export const fold = (parts: readonly VmPart[]): readonly (VmPart | Folded)[] =>
  [...groupBy(parts, keyOf).values()].flatMap((same): readonly (VmPart | Folded)[] => {
    const [first] = same;
    if (!first || same.length < fewest) return same;
    return [{ parts: same, rows: rowsOf(first), head: headline(first.vm, first.operations, first.refused) }];
  });
