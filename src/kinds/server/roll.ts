/** The roll of a pool as each of its servers remembers it: what is done to them, and how far this one is. */
import { isObject, parseJson } from '../../core/json.ts';

export const rollPath = '/etc/reeve/roll.json';

/** A server waits for its turn, is emptied, treated, rebooted, and taken back; then it has had its turn. */
export const rollStages = ['waiting', 'emptying', 'treating', 'rebooting', 'returning', 'done'] as const;
export type RollStage = (typeof rollStages)[number];

export interface RollRecord {
  /** The same on all servers of one roll: when it began, and a word that tells it from others. */
  readonly roll: string;
  /** `ann@desk`, who began it. */
  readonly by: string;
  /** The command of `--run`; null: none. Compared and shown, and never run because it stands here. */
  readonly run: string | null;
  readonly reboot: boolean;
  readonly home: boolean;
  /** All servers of the roll, in their order. */
  readonly servers: readonly string[];
  readonly stage: RollStage;
  /** The boot that `rebooting` ends; null: it is not to be rebooted, or not yet. */
  readonly boot: string | null;
  /** The VMs of the file that ran here when the roll began, by key; none without `home`. */
  readonly homes: readonly string[];
}

/** Such a server takes no VM that was not there. */
export const isTreated = ({ stage }: Pick<RollRecord, 'stage'>): boolean =>
  stage === 'emptying' || stage === 'treating' || stage === 'rebooting';

export const rollText = (record: RollRecord): string => `${JSON.stringify({ format: 2, ...record })}\n`;

/** Characters of a command, and of a name: what is longer was written by somebody else. */
const mostRun = 4000;
const mostName = 200;
const isName = (x: unknown): x is string => typeof x === 'string' && x.length > 0 && x.length <= mostName;
const areNames = (x: unknown): x is readonly string[] => Array.isArray(x) && x.every(isName);
const isStage = (x: unknown): x is RollStage => rollStages.some((s) => s === x);

/** Null: it is no such record, or an older version wrote it. */
export const parseRoll = (text: string): RollRecord | null => {
  const read = parseJson(text);
  if (!read.ok || !isObject(read.value)) return null;
  const { format, roll, by, run, reboot, home, servers, stage, boot, homes } = read.value;
  if (format !== 2 || typeof roll !== 'string' || !/^[\w.:-]{1,100}$/.test(roll) || !isName(by)) return null;
  if (run !== null && (typeof run !== 'string' || run.length > mostRun)) return null;
  if (typeof reboot !== 'boolean' || typeof home !== 'boolean' || !isStage(stage)) return null;
  if (boot !== null && !isName(boot)) return null;
  if (!areNames(servers) || !areNames(homes)) return null;
  return { roll, by, run, reboot, home, servers, stage, boot, homes };
};

/** The options that a roll has, as they are typed. */
export const rollOptions = ({ run, reboot, home }: Pick<RollRecord, 'run' | 'reboot' | 'home'>): string =>
  [
    ...(run === null ? [] : [`--run ${JSON.stringify(run)}`]),
    ...(reboot ? ['--reboot'] : []),
    ...(home ? ['--home'] : []),
  ].join(' ');

/** What is known of the roll of a pool: where its servers tell of several, of the newest. */
export interface PoolRoll {
  readonly pool: string;
  readonly record: RollRecord;
  /** Of the servers of the pool that remember it, in the file's order. */
  readonly stages: readonly { readonly server: string; readonly stage: RollStage }[];
}

export const rollOf = (
  pool: string,
  records: readonly { readonly server: string; readonly record: RollRecord }[],
): PoolRoll | null => {
  const [newest] = [...records].sort((a, b) => (a.record.roll < b.record.roll ? 1 : -1));
  if (!newest) return null;
  const own = records.filter((r) => r.record.roll === newest.record.roll);
  return { pool, record: newest.record, stages: own.map(({ server, record: { stage } }) => ({ server, stage })) };
};

/** `is emptied`, of a server. */
export const stageText: Readonly<Record<RollStage, string>> = {
  waiting: 'waits for its turn',
  emptying: 'is being emptied',
  treating: 'is being treated',
  rebooting: 'is being rebooted',
  returning: 'is being taken back',
  done: 'is done',
};

/** A sentence or two without a full stop: that it is there, how far it is, and what to do. */
export const rollWords = ({ pool, record, stages }: PoolRoll): string => {
  const far = stages.map(({ server, stage }) => `${server} ${stageText[stage]}`).join(', ');
  return (
    `a roll of pool ${pool} is under way, or broke off: ${far} (begun by ${record.by}, ${record.roll}). ` +
    `To go on where it broke off, run the same \`reeve roll ${pool}\` again. To give it up: reeve roll ${pool} --abandon`
  );
};
