/** Which files below /etc/xen are cfgs of domains: by name, by what leads there, and else by what they say. */
import { latin1 } from './bytes.ts';

export const folder = '/etc/xen/';

/** What editors, package managers and people put beside a file. */
const backup = /~$|\.(?:bak|old|orig|save|sav|swp|swo|tmp|disabled|off)$|\.(?:dpkg|ucf|rpm)[-a-z]*$|^#|^\./i;

/** Xen's own settings, its examples, and what other tools keep there. */
const others = /^(?:xl|xm)example|^README|^cpupool$|\.(?:conf|sxp|xml|md|txt|sh|py|json|ya?ml)$/i;

/** Neither a VM nor worth a word, unless something leads there. */
export const isNoCfg = (path: string): boolean => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return backup.test(name) || others.test(name) || path.startsWith(`${folder}examples/`);
};

const nameLine = /^[ \t]*name[ \t]*=[ \t]*(?:'([^'\n]*)'|"([^"\n]*)")?/m;
const uuidLine = /^[ \t]*uuid[ \t]*=[ \t]*['"]([0-9a-fA-F-]{36})['"]/m;
/** What only the cfg of a domain sets: a cpupool has a name, too. */
const domainLine = /^[ \t]*(?:memory|maxmem|vcpus|kernel|bootloader|builder|type|firmware|disk|vif)[ \t]*\+?=/m;

export const isUtf16 = (bytes: Uint8Array): boolean =>
  (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);

/** As a person reads it; one character a byte where it is not UTF-16. */
const readable = (bytes: Uint8Array): string =>
  isUtf16(bytes) ? latin1(bytes.subarray(2)).replaceAll('\0', '') : latin1(bytes);

/** Whether it reads like the cfg of a domain, well-formed or not. */
export const looksLikeCfg = (bytes: Uint8Array): boolean => {
  const text = readable(bytes);
  return nameLine.test(text) && domainLine.test(text);
};

/** Whose cfg it seems to be, where it cannot be parsed: by its lines, else by its file's name. */
export const claimsOf = (path: string, bytes: Uint8Array): { readonly name: string; readonly uuid: string | null } => {
  const text = readable(bytes);
  const [, single, double] = nameLine.exec(text) ?? [];
  const file = path.slice(path.lastIndexOf('/') + 1).replace(/\.cfg$/, '');
  return { name: single ?? double ?? file, uuid: uuidLine.exec(text)?.[1]?.toLowerCase() ?? null };
};
