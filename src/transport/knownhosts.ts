/** The known_hosts files of this machine, and what they say of a key that a server shows. */
import { createHash } from 'node:crypto';
import { hostPattern, parseKnownHosts, type KnownKey } from '../core/known-hosts.ts';
import { largestKnownHosts, readUserFile } from './user-file.ts';

export type Verdict =
  | { readonly is: 'known' }
  | { readonly is: 'new' }
  | { readonly is: 'changed' | 'revoked'; readonly at: KnownKey };

/** From all the files, missing ones passed over. A text: which of them cannot be read, and why. */
export const knownKeys = async (
  files: readonly string[],
  host: string,
  port: number,
): Promise<readonly KnownKey[] | string> => {
  const read = await Promise.all(
    files.map(async (file) => ({ file, content: await readUserFile(file, largestKnownHosts) })),
  );
  const keys: KnownKey[] = [];
  for (const { file, content } of read) {
    if (content.is === 'odd') return `${file} ${content.why}`;
    if (content.is === 'file')
      for (const key of parseKnownHosts(content.bytes.toString('utf8'), file, hostPattern(host, port))) keys.push(key);
  }
  return keys;
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
