/** What servers know of each other: their pool, and the keys by which they migrate. Pure. */
import { digestBytes } from '../../../core/digest.ts';
import { isObject, parseJson } from '../../../core/json.ts';
import type { Membership, MembershipSeen, MigrationSeen, TextFile } from '../../../kinds/server/live.ts';
import { parseRoll, rollPath, type RollRecord } from '../../../kinds/server/roll.ts';
import { onlyMigrates } from '../../../kinds/server/describe.ts';
import { printed } from './bytes.ts';
import type { TarEntry } from './tar.ts';
import { table } from '../../../core/table.ts';

export const poolPath = '/etc/reeve/pool.json';
/** Not beneath /etc/reeve, which readings look into: a private key never leaves its server. */
export const keyPath = '/root/.ssh/reeve-migration';
export const hostsPath = '/etc/reeve/migration_hosts';
export const authorizedPath = '/root/.ssh/authorized_keys';

/** The line that lets a peer's key migrate, and nothing else. */
export const admitLine = (key: string, from: string): string => `${onlyMigrates} ${key} reeve-migration:${from}`;

/** Whose key a line of authorized_keys holds that Reeve wrote; null: it is not Reeve's. */
export const peerIn = (line: string): string | null =>
  line.trim().startsWith(onlyMigrates) ? (/\sreeve-migration:(\S+)$/.exec(line.trim())?.[1] ?? null) : null;

const fileOf = (entries: readonly TarEntry[], path: string): TextFile | null => {
  const found = entries.find((e) => `/${e.name}` === path);
  return found?.is === 'file' ? { text: printed(found.bytes), digest: digestBytes(found.bytes) } : null;
};

const isKeys = (x: unknown): x is Readonly<Record<string, string>> =>
  isObject(x) &&
  Object.values(x).every((key) => typeof key === 'string' && /^ssh-ed25519 [A-Za-z0-9+/=]{1,200}$/.test(key));

const isTexts = (x: unknown): x is readonly string[] => Array.isArray(x) && x.every((t) => typeof t === 'string');

const parseMembership = (text: string): Membership | 'odd' => {
  const read = parseJson(text);
  if (!read.ok || !isObject(read.value)) return 'odd';
  const { format, farm, pool, server, members, keys } = read.value;
  if (format !== 1 || typeof farm !== 'string' || typeof pool !== 'string' || !isTexts(members)) return 'odd';
  if ((server !== undefined && typeof server !== 'string') || (keys !== undefined && !isKeys(keys))) return 'odd';
  return { format: 1, farm, pool, members, ...(server === undefined ? {} : { server }), ...(keys ? { keys } : {}) };
};

/** Of those lines of authorized_keys that force no other command. What a script of one's own does is not known: it says so itself. */
const letIn = (line: string): readonly string[] => {
  const [, options = '', key] =
    /^(?:(.*)\s)?((?:ssh|ecdsa|sk)-[\w@.-]+\s+[A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line.trim()) ?? [];
  if (key === undefined || options.startsWith('#')) return [];
  const forced = /(?:^|,)command="((?:[^"\\]|\\.)*)"/i.exec(options)?.[1];
  const migrates = forced === undefined || /migrate-receive|SSH_ORIGINAL_COMMAND/.test(forced);
  return migrates ? [key.replace(/\s+/, ' ')] : [];
};

export const membershipIn = (entries: readonly TarEntry[]): MembershipSeen | null => {
  const file = fileOf(entries, poolPath);
  return file && { value: parseMembership(file.text), digest: file.digest };
};

/** `TYPE BASE64`, without the comment. */
const keyIn = (line: string | undefined): string | null =>
  /\b(ssh-ed25519 [A-Za-z0-9+/=]+)/.exec(line ?? '')?.[1] ?? null;

export const migrationIn = (entries: readonly TarEntry[]): MigrationSeen => {
  const hosts = fileOf(entries, hostsPath);
  const authorized = fileOf(entries, authorizedPath);
  return {
    hostKey: keyIn(fileOf(entries, '/etc/ssh/ssh_host_ed25519_key.pub')?.text),
    key: keyIn(fileOf(entries, `${keyPath}.pub`)?.text),
    hosts: table(
      (hosts?.text ?? '').split('\n').flatMap((line) => {
        const [alias = '', ...rest] = line.trim().split(/\s+/);
        return rest.length < 2 ? [] : [[alias, rest.slice(0, 2).join(' ')] as const];
      }),
    ),
    admits: (authorized?.text ?? '')
      .split('\n')
      .flatMap((line) => (line.trim().startsWith(onlyMigrates) ? (keyIn(line) ?? []) : [])),
    lets: (authorized?.text ?? '').split('\n').flatMap(letIn),
    ours: (authorized?.text ?? '').split('\n').flatMap((line) => peerIn(line) ?? []),
    files: { hosts, authorized },
  };
};

export const rollIn = (entries: readonly TarEntry[]): RollRecord | null =>
  parseRoll(fileOf(entries, rollPath)?.text ?? '');
