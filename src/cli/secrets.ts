/** Passwords by reference: which the file or a plan names, and their values from the environment or from files here. */
import picomatch from 'picomatch';
import { referencesIn } from '../core/password.ts';
import { expandHome, largestSetting, readUserFile } from '../transport/index.ts';
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';
import type { Secrets } from '../kinds/toolstack.ts';
import { hiddenQuery, type ImageSpec } from '../kinds/image/spec.ts';
import { isSecret } from '../kinds/vm/settings.ts';
import type { CfgSetting, CfgValue, CloudInit, Settings } from '../kinds/vm/spec.ts';
import { inlineText, queryName } from '../kinds/written.ts';
import { exit, ExitError } from './exit.ts';
import { say, type Shell } from './shell.ts';

/** A reference, and the first place that names it: `display.vnc.password of win-1`. */
interface Named {
  readonly reference: string;
  readonly place: string;
  /** It may have many lines: no password, but a file for cloud-init. */
  readonly text?: true;
  /** It stands in the farm file; null: it does so, and only a saved plan is at hand. */
  readonly value?: string | null;
}

type Written = NonNullable<Farm['written']>;

const namedInSeed = (vm: string, seed: CloudInit | undefined, written: Written): readonly Named[] =>
  (['userData', 'metaData', 'networkConfig'] as const).flatMap((part): readonly Named[] => {
    const text = seed?.[part] ?? null;
    if (text === null) return [];
    const place = `cloudInit.${part} of ${vm}`;
    if ('secret' in text) return [{ reference: text.secret, place, text: true }];
    const reference = inlineText(vm, part);
    return [{ reference, place, value: written[reference] ?? null }];
  });

const namedInImage = (image: Pick<ImageSpec, 'source' | 'what' | 'name'>, written: Written): readonly Named[] => {
  if (!image.source.endsWith(hiddenQuery)) return [];
  const reference = queryName(image);
  return [{ reference, place: `the query of ${image.source}`, value: written[reference] ?? null }];
};

const textsIn = (value: CfgValue): readonly string[] => (typeof value === 'string' ? [value] : value.flatMap(textsIn));

const namedIn = (vm: string, settings: Settings, xl: readonly CfgSetting[]): readonly Named[] => [
  ...Object.entries(settings).flatMap(([field, v]) =>
    isSecret(v) && v.secret !== 'kept' ? [{ reference: v.secret, place: `${field} of ${vm}` }] : [],
  ),
  ...xl.flatMap(({ key, value }) =>
    textsIn(value).flatMap((text) =>
      referencesIn(text).map((reference) => ({ reference, place: `xl.${key} of ${vm}` })),
    ),
  ),
];

const xlOf = (xl: Readonly<Record<string, CfgValue>> | undefined): readonly CfgSetting[] =>
  Object.entries(xl ?? {}).map(([key, value]) => ({ key, value }));

/** Those of the VMs and images that the options cover. */
export const namedByFarm = (
  farm: Farm,
  { pools, targets }: Pick<PlanOptions, 'pools' | 'targets'>,
): readonly Named[] => {
  const targeted = targets.length === 0 ? () => true : picomatch([...targets]);
  const { written = {} } = farm;
  const images = farm.pools
    .filter((p) => pools.length === 0 || pools.includes(p.name))
    .flatMap((p) => p.images.filter((i) => i.state !== 'absent').flatMap((i) => namedInImage(i, written)));
  const vms = farm.vms
    .filter((v) => v.state !== 'absent' && (pools.length === 0 || pools.includes(v.pool)))
    .flatMap((v) =>
      targeted(v.key) || targeted(`vm/${v.key}`)
        ? [...namedIn(v.key, v.settings, xlOf(v.xl)), ...namedInSeed(v.key, v.cloudInit, written)]
        : [],
    );
  return [...vms, ...images];
};

/** Those of what a plan writes and fetches. */
export const namedByPlan = (plan: Plan): readonly Named[] =>
  plan.operations.flatMap(({ op }) => {
    if (op.verb === 'make-seed') return namedInSeed(op.vm.name, op.seed, {});
    if (op.verb === 'fetch-image') return namedInImage(op, {});
    return 'record' in op ? namedIn(op.vm.name, op.record.config.settings, op.record.config.extra) : [];
  });

/** Places of what it writes and fetches that no plan holds: the file has to be there when it is applied. */
export const heldByFileOnly = (plan: Plan): readonly string[] => [
  ...new Set(namedByPlan(plan).flatMap((n) => (n.value === null ? [n.place] : []))),
];

const onlyInFile = 'it stands in the farm file, and no saved plan holds it';

type Answer = { readonly value: string } | { readonly why: string };

const look = async (shell: Shell, { reference, value: known }: Named): Promise<Answer> => {
  if (known === null) return { why: onlyInFile };
  if (known !== undefined) return { value: known };
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
  for (const one of named) {
    const { reference, place, text, value: known } = one;
    if (looked.has(reference)) continue;
    looked.add(reference);
    const answer = await look(shell, one);
    const why = 'why' in answer ? answer.why : known === undefined ? unfit(answer.value, text === true) : null;
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
    named.some((n) => n.value === null)
      ? 'apply the farm file itself; or write a text as ${file:PATH}, and serve the image under a URL without a query'
      : 'set it, or leave these VMs out with --target; `reeve plan` works without',
    'secret-missing',
  );
};
