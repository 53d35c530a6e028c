/** What the file's own checks would refuse is left out, and said: so what is written is always a file that is right. */
import { checkReferences } from '../references.ts';
import { collector, isPosition, keysOf, type Problem } from '../problem.ts';
import { resolveFarm } from '../resolve.ts';
import { checkShape } from '../shape.ts';
import { parseSource, type Source } from '../source.ts';
import type { ReasonCode } from '../../core/reason.ts';
import { table } from '../../core/table.ts';
import { isWords, without, wordAt, type Note, type Words } from './tree.ts';
import type { Written } from './vm.ts';

/** A VM that the file cannot say, and why. */
export interface LeftOut {
  readonly code: ReasonCode;
  readonly why: string;
}

export interface Pruned {
  /** As it was given, without networks and repositories that cannot be in it. */
  readonly rest: Words;
  readonly vms: ReadonlyMap<string, Written>;
  readonly left: ReadonlyMap<string, LeftOut>;
  /** What is wrong with the rest of the file, in words. */
  readonly problems: readonly string[];
}

/** What goes together: a part of it would say something else. A disk that is not named stays as it is. */
const wholes = new Set(['nics', 'cdrom', 'affinity']);
const named = new Set(['disks', 'xl']);

/** The path, within the VM, of what has to go for this problem; null: the VM. */
const culprit = (problem: Problem, path: readonly string[]): readonly string[] | null => {
  const [top = ''] = path;
  if (problem.code === 'shared' || ['', 'name', 'uuid', 'pool', 'server', 'type'].includes(top)) return null;
  return wholes.has(top) ? [top] : path.slice(0, named.has(top) ? 2 : 3);
};

const problemsIn = (text: string, beside: readonly Source[]): readonly Problem[] => {
  const parsed = parseSource('import', new TextEncoder().encode(text));
  if (!parsed.ok) return parsed.problems;
  const { source } = parsed;
  const shape = checkShape(source);
  const told = collector();
  [...shape.problems, ...checkReferences(source)].forEach(told.add);
  const spoiled = new Set(shape.spoiled);
  resolveFarm([...beside, source], (file, pointer) => file === source.file && spoiled.has(pointer), told);
  return told.all.filter((p) => p.severity !== 'warning');
};

const sentence = ({ message, hint, conceal }: Problem): string =>
  conceal === true || hint === undefined ? message : `${message} (${hint})`;

/** More than the fields of a VM that can be wrong one after the other. */
const mostRounds = 20;

/** NICs on a network that cannot be in the file are left out. */
const offNetwork = (vms: Map<string, Written>, network: string, why: string): void => {
  for (const [key, { words, notes }] of vms) {
    const { nics } = words;
    if (!isWords(nics) || !Object.values(nics).some((n) => isWords(n) && n['network'] === network)) continue;
    const note: Note = { at: [], text: `nics are left out, and stay as they are: ${why}` };
    vms.set(key, { words: without(words, ['nics']), notes: [...notes.filter((n) => n.at[0] !== 'nics'), note] });
  }
};

/** `given`: all but the VMs. `beside`: what the file stands beside, already checked. */
export const pruned = (vms: ReadonlyMap<string, Written>, given: Words, beside: readonly Source[]): Pruned => {
  const kept = new Map(vms);
  let rest = given;
  const left = new Map<string, LeftOut>();
  for (let round = 0; round < mostRounds; round += 1) {
    const words = table([...kept].map(([key, w]) => [key, w.words] as const));
    const problems = problemsIn(JSON.stringify({ ...rest, vms: words }), beside);
    if (problems.length === 0) return { rest, vms: kept, left, problems: [] };
    const others: string[] = [];
    /** One mistake may be told more than once. */
    const touched = new Set<string>();
    for (const problem of problems) {
      const { at } = problem;
      const [group, key = '', ...path] = at && !isPosition(at) && at.file === 'import' ? keysOf(at.pointer) : [];
      if (group === 'networks' && wordAt(rest, ['networks', key]) !== undefined) {
        rest = without(rest, ['networks', key]);
        offNetwork(kept, key, sentence(problem));
        continue;
      }
      if (group === 'repositories' && wordAt(rest, ['repositories', key]) !== undefined) {
        rest = without(rest, ['repositories', key]);
        continue;
      }
      const vm = group === 'vms' ? kept.get(key) : undefined;
      if (!vm) {
        if (group !== 'vms' || !left.has(key)) others.push(sentence(problem));
        continue;
      }
      const out = culprit(problem, path);
      const words = out === null ? vm.words : without(vm.words, out);
      if (out !== null && words === vm.words && touched.has(key)) continue;
      touched.add(key);
      if (out === null || words === vm.words) {
        kept.delete(key);
        left.set(key, { code: problem.code, why: sentence(problem) });
        continue;
      }
      const gone = (n: Note): boolean => out.every((part, i) => n.at[i] === part);
      const note: Note = { at: [], text: `${out.join('.')} is left out, and stays as it is: ${sentence(problem)}` };
      kept.set(key, { words, notes: [...vm.notes.filter((n) => !gone(n)), note] });
    }
    if (others.length === problems.length) return { rest, vms: kept, left, problems: others };
  }
  return { rest, vms: kept, left, problems: ['no end was found'] };
};
