/** Strict known_hosts, as OpenSSH reads it: plain, lists, wildcards, negation, `[host]:port`, hashed names, @revoked. */
import { createHash, createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export interface KnownKey {
  readonly type: string;
  /** base64, as in the file. */
  readonly key: string;
  readonly revoked: boolean;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export type Verdict =
  | { readonly is: 'known' }
  | { readonly is: 'new' }
  | { readonly is: 'changed' | 'revoked'; readonly at: KnownKey };

/** How known_hosts writes a host: bare on port 22, else `[host]:port`. */
export const hostPattern = (host: string, port: number): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;

const hashMatches = (hashed: string, name: string): boolean => {
  const [, , salt, hash] = hashed.split('|');
  if (salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
};

/** `*` and `?` only: square brackets stand for themselves. */
const glob = (pattern: string, name: string): boolean => {
  const source = pattern
    .toLowerCase()
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(name);
};

const namesMatch = (names: string, name: string): boolean => {
  if (names.startsWith('|1|')) return hashMatches(names, name);
  const patterns = names.split(',');
  if (patterns.some((p) => p.startsWith('!') && glob(p.slice(1), name))) return false;
  return patterns.some((p) => !p.startsWith('!') && glob(p, name));
};

/** The keys of one known_hosts text for a name such as `hostPattern` makes. Lines that cannot be understood count for nothing. */
export const parseKnownHosts = (text: string, file: string, name: string): readonly KnownKey[] =>
  text.split('\n').flatMap((raw, index) => {
    const words = raw.trim().split(/\s+/);
    const mark = words[0]?.startsWith('@') === true ? words.shift() : undefined;
    const [names, type, key] = words;
    if (names === undefined || type === undefined || key === undefined || names.startsWith('#')) return [];
    if (mark !== undefined && mark !== '@revoked') return [];
    if (!namesMatch(names, name)) return [];
    return [{ type, key, revoked: mark === '@revoked', file, line: index + 1 }];
  });

/** From all the files, missing ones passed over. */
export const knownKeys = async (files: readonly string[], host: string, port: number): Promise<readonly KnownKey[]> => {
  const texts = await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(file, 'utf8').catch(() => '') })),
  );
  return texts.flatMap(({ file, text }) => parseKnownHosts(text, file, hostPattern(host, port)));
};

/** The type that stands at the head of a public key's wire form. */
export const typeOfKey = (key: Buffer): string => key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');

/** `SHA256:…`, as `ssh-keygen -l` prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

export const judge = (known: readonly KnownKey[], key: Buffer): Verdict => {
  const shown = key.toString('base64');
  const revoked = known.find((k) => k.revoked && k.key === shown);
  if (revoked !== undefined) return { is: 'revoked', at: revoked };
  const good = known.filter((k) => !k.revoked);
  if (good.some((k) => k.key === shown)) return { is: 'known' };
  const other = good.find((k) => k.type === typeOfKey(key));
  return other === undefined ? { is: 'new' } : { is: 'changed', at: other };
};

const algorithms = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
} as const;

export type HostKeyAlgorithm = (typeof algorithms)[keyof typeof algorithms][number];

/** All host key algorithms, those of known keys first: else a server with several keys would show one that we do not know. */
export const algorithmOrder = (known: readonly KnownKey[]): HostKeyAlgorithm[] => {
  const has = (type: string): boolean => known.some((k) => k.type === type && !k.revoked);
  const entries = Object.entries(algorithms);
  const rank = (first: boolean) =>
    entries.filter(([type]) => has(type) === first).flatMap(([, names]): readonly HostKeyAlgorithm[] => names);
  return [...rank(true), ...rank(false)];
};
