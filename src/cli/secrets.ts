/** Passwords by reference: which the file or a plan names, and their values from the environment or from files here. */
import picomatch from 'picomatch';
import { expandHome, largestSetting, readUserFile } from '../transport/index.ts';
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';
import type { Secrets } from '../kinds/toolstack.ts';
import { isSecret } from '../kinds/vm/settings.ts';
import type { CloudInit, SeedText, Settings } from '../kinds/vm/spec.ts';
import { exit, ExitError } from './exit.ts';
import { say, type Shell } from './shell.ts';

/** A reference, and the first place that names it: `display.vnc.password of win-1`. */
interface Named {
  readonly reference: string;
  readonly place: string;
  /** It may have many lines: no password, but a file for cloud-init. */
  readonly text?: true;
}

const namedInSeed = (vm: string, seed: CloudInit | undefined): readonly Named[] =>
  Object.entries(seed ?? {}).flatMap(([part, v]: [string, SeedText | null]) =>
    v && 'secret' in v ? [{ reference: v.secret, place: `cloudInit.${part} of ${vm}`, text: true as const }] : [],
  );

const namedIn = (vm: string, settings: Settings): readonly Named[] =>
  Object.entries(settings).flatMap(([field, v]) =>
    isSecret(v) && v.secret !== 'kept' ? [{ reference: v.secret, place: `${field} of ${vm}` }] : [],
  );

/** Those of the VMs that the options cover. */
export const namedByFarm = (
  farm: Farm,
  { pools, targets }: Pick<PlanOptions, 'pools' | 'targets'>,
): readonly Named[] => {
  const targeted = targets.length === 0 ? () => true : picomatch([...targets]);
  return farm.vms
    .filter((v) => v.state !== 'absent' && (pools.length === 0 || pools.includes(v.pool)))
    .flatMap((v) =>
      targeted(v.key) || targeted(`vm/${v.key}`)
        ? [...namedIn(v.key, v.settings), ...namedInSeed(v.key, v.cloudInit)]
        : [],
    );
};

/** Those of the cfgs that a plan writes. */
export const namedByPlan = (plan: Plan): readonly Named[] =>
  plan.operations.flatMap(({ op }) => {
    if (op.verb === 'make-seed') return namedInSeed(op.vm.name, op.seed);
    return 'record' in op ? namedIn(op.vm.name, op.record.config.settings) : [];
  });

type Answer = { readonly value: string } | { readonly why: string };

const look = async (shell: Shell, reference: string): Promise<Answer> => {
  const m = /^\$\{(env|file):([^}]+)\}$/.exec(reference);
  const [, from, name = ''] = m ?? [];
  if (from === 'env') {
    const value = shell.env[name];
    return value === undefined ? { why: `the variable ${name} is not set` } : { value };
  }
  if (from !== 'file') return { why: 'it is neither ${env:NAME} nor ${file:PATH}' };
  const read = await readUserFile(expandHome(name, shell.home), largestSetting);
  if (read.is === 'missing') return { why: `the file cannot be read: there is no ${name}` };
  if (read.is === 'odd') return { why: `the file cannot be read: it ${read.why}` };
  return { value: read.bytes.toString('utf8').replace(/\r?\n$/, '') };
};

/** What no cfg could hold, or nobody could type. */
const unfit = (value: string, text: boolean): string | null => {
  if (value === '') return 'it is empty';
  if (text) return null;
  return /[\x00-\x1f\x7f]/.test(value) ? 'it has more than one line, or control characters' : null;
};

export interface Gathered {
  readonly secrets: Secrets;
  /** Sentences about references that have no value. */
  readonly missing: readonly string[];
}

/** Each reference is looked up once. A file's last line end is cut; a relative path counts from the current folder. */
export const gatherSecrets = async (shell: Shell, named: readonly Named[]): Promise<Gathered> => {
  const secrets = new Map<string, string>();
  const missing: string[] = [];
  const looked = new Set<string>();
  for (const { reference, place, text } of named) {
    if (looked.has(reference)) continue;
    looked.add(reference);
    const answer = await look(shell, reference);
    const why = 'why' in answer ? answer.why : unfit(answer.value, text === true);
    if (why !== null) missing.push(`${reference} (${place}): ${why}`);
    else if ('value' in answer) secrets.set(reference, answer.value);
  }
  return { secrets, missing };
};

/** For commands that only read: what has no value counts as unchanged, and is told. */
export const secretsToCompare = async (shell: Shell, named: readonly Named[]): Promise<Secrets> => {
  const { secrets, missing } = await gatherSecrets(shell, named);
  for (const m of missing) say(shell.err, `warning: ${m}; it counts as unchanged`);
  return secrets;
};

/** For `apply`: throws an `ExitError` (3) where one has no value. */
export const secretsToWrite = async (shell: Shell, named: readonly Named[]): Promise<Secrets> => {
  const { secrets, missing } = await gatherSecrets(shell, named);
  const [first, ...rest] = missing;
  if (first === undefined) return secrets;
  throw new ExitError(
    exit.invalid,
    [first, ...rest].join('; '),
    'set it, or leave these VMs out with --target; `reeve plan` works without',
  );
};
