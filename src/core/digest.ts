/** Canonical JSON and its sha256, so that equal values have equal digests wherever they were made. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { byText } from './order.ts';
import type { Digest } from './step.ts';

/** JSON with sorted keys and no white space; `undefined` members are left out. */
export const canonical = (v: unknown): string => {
  if (Array.isArray(v)) return `[${v.map((x) => canonical(x ?? null)).join(',')}]`;
  if (v !== null && typeof v === 'object') {
    const members = Object.entries(v)
      .filter(([, x]) => x !== undefined)
      .sort(([a], [b]) => byText(a, b))
      .map(([k, x]) => `${JSON.stringify(k)}:${canonical(x)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(v) ?? 'null';
};

export const digestBytes = (bytes: Uint8Array): Digest => bytesToHex(sha256(bytes));
export const digestText = (text: string): Digest => digestBytes(utf8ToBytes(text));

/** `sha256:…` over the canonical JSON. */
export const digestOf = (v: unknown): string => `sha256:${digestText(canonical(v))}`;

export const sameValue = (a: unknown, b: unknown): boolean => a === b || canonical(a) === canonical(b);
