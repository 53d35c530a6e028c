/** Strict known_hosts, as OpenSSH reads it: plain, lists, wildcards, negation, `[host]:port`, hashed names, @revoked. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { globListMatches } from './glob.ts';

export interface KnownKey {
  readonly type: string;
  /** base64, as in the file. */
  readonly key: string;
  readonly revoked: boolean;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** How known_hosts writes a host: bare on port 22, else `[host]:port`. */
export const hostPattern = (host: string, port: number): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;

const hashMatches = (hashed: string, name: string): boolean => {
  const [, , salt, hash] = hashed.split('|');
  if (
    salt === undefined ||
    hash === undefined ||
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(salt)
  )
    return false;
  const key = Uint8Array.from(atob(salt), (c) => c.charCodeAt(0));
  return btoa(String.fromCharCode(...hmac(sha1, key, utf8ToBytes(name)))) === hash;
};

const namesMatch = (names: string, name: string): boolean => {
  if (names.startsWith('|1|')) return hashMatches(names, name);
  return globListMatches(names.toLowerCase().split(','), name);
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
