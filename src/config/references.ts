/** `${env:…}` and `${file:…}`: a password may be one, and what cloud-init reads; elsewhere the file may hold them, and this version does not resolve them. */
import { step, type Problem } from './problem.ts';
import type { Source } from './source.ts';

const reference = /\$\{(?:env|file):[^}]*\}/;

/** Where a password stands, or a text for cloud-init. */
const resolved =
  /^\/(?:(?:vms|profiles)\/[^/]+|defaults)\/(?:display\/(?:vnc|spice)\/password|cloudInit\/(?:userData|metaData|networkConfig))$/;

export const checkReferences = ({ file, text, value }: Source): readonly Problem[] => {
  if (!reference.test(text)) return [];
  const problems: Problem[] = [];
  const visit = (v: unknown, pointer: string): void => {
    if (typeof v === 'string') {
      const found = reference.exec(v);
      if (!found || (resolved.test(pointer) && v.startsWith(found[0]) && v.endsWith('}') && !v.includes('\n'))) return;
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
