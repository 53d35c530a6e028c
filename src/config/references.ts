/** `${env:…}` and `${file:…}`: a password may be one, in a value of `xl` as well, and what cloud-init reads; elsewhere the file may hold them, and this version does not resolve them. */
import { dereferenced } from '../core/password.ts';
import { step, type Problem } from './problem.ts';
import type { Source } from './source.ts';

const reference = /\$\{(?:env|file):[^}]*\}/;

/** Where a password stands, or a text for cloud-init. */
const resolved =
  /^\/(?:(?:vms|profiles)\/[^/]+|defaults)\/(?:display\/(?:vnc|spice)\/password|cloudInit\/(?:userData|metaData|networkConfig))$/;

/** Within them, one may stand where a password would. */
const within = /^\/(?:(?:vms|profiles)\/[^/]+|defaults)\/xl\//;

const isResolved = (v: string, found: string, pointer: string): boolean => {
  if (within.test(pointer)) return !reference.test(dereferenced(v, () => ''));
  return resolved.test(pointer) && v.startsWith(found) && v.endsWith('}') && !v.includes('\n');
};

export const checkReferences = ({ file, text, value }: Source): readonly Problem[] => {
  if (!reference.test(text)) return [];
  const problems: Problem[] = [];
  const visit = (v: unknown, pointer: string): void => {
    if (typeof v === 'string') {
      const found = reference.exec(v);
      if (!found || isResolved(v, found[0], pointer)) return;
      problems.push({
        code: 'not-built',
        message: `\`${found[0]}\` is not built yet in this version`,
        at: { file, pointer },
        hint: 'write the value itself, if it is no secret',
      });
    } else if (typeof v === 'object' && v !== null) {
      for (const [key, item] of Object.entries(v)) visit(item, `${pointer}${step(key)}`);
    }
  };
  visit(value, '');
  return problems;
};
