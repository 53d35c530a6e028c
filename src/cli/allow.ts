/** `--allow CLASS=PATTERN`: read, or explained. */
import picomatch from 'picomatch';
import { disruptions, isDisruption, severity, type Disruption } from '../core/disruption.ts';
import type { PlanOptions } from '../kinds/plan.ts';
import { exit, ExitError } from './exit.ts';

export type Allow = PlanOptions['allow'][number];

/** From here on a run names what it raises the budget of. */
const patternFrom: Disruption = 'device';

const wrong = (text: string, why: string, help: string): ExitError =>
  new ExitError(exit.error, `--allow ${text}: ${why}`, help);

/** Throws an `ExitError` that says what would be right. */
export const parseAllow = (text: string): Allow => {
  const equals = text.indexOf('=');
  const [name, pattern] = equals === -1 ? [text, null] : [text.slice(0, equals), text.slice(equals + 1)];
  if (!isDisruption(name)) {
    throw wrong(
      text,
      `${JSON.stringify(name)} is no disruption`,
      `it is CLASS or CLASS=PATTERN, and CLASS one of ${disruptions.join(', ')}`,
    );
  }
  if (pattern === '') throw wrong(text, 'the pattern is empty', `name a VM: --allow ${name}=web-1`);
  if (pattern === null && severity(name) >= severity(patternFrom)) {
    throw wrong(
      text,
      `from \`${patternFrom}\` up it needs a pattern`,
      `name the VMs that it is for: --allow ${name}=web-1, --allow '${name}=web-*'${severity(name) > severity('restart') ? '' : `, or --allow '${name}=*' for all`}`,
    );
  }
  return { disruption: name, pattern };
};

/** The patterns that raise nobody's budget, as they were written: most likely slips. */
export const idleAllows = (allow: readonly Allow[], keys: readonly string[]): readonly string[] =>
  allow.flatMap(({ disruption, pattern }) => {
    if (pattern === null) return [];
    const matches = picomatch(pattern.split('/')[0] ?? pattern);
    return keys.some((k) => matches(k)) ? [] : [`${disruption}=${pattern}`];
  });
