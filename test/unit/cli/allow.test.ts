import { describe, expect, test } from 'vitest';
import { idleAllows, parseAllow } from '../../../src/cli/allow.ts';
import { ExitError } from '../../../src/cli/exit.ts';

const refusal = (text: string): string => {
  try {
    parseAllow(text);
  } catch (error) {
    if (error instanceof ExitError) return `${error.code}: ${error.message} (${error.help})`;
    throw error;
  }
  return 'allowed';
};

describe('--allow', () => {
  test('a class alone, below device', () => {
    expect(parseAllow('live')).toEqual({ disruption: 'live', pattern: null });
    expect(parseAllow('migrate')).toEqual({ disruption: 'migrate', pattern: null });
  });

  test('a class for a pattern', () => {
    expect(parseAllow('restart=web-*')).toEqual({ disruption: 'restart', pattern: 'web-*' });
    expect(parseAllow('data-loss=db-1/xvdb')).toEqual({ disruption: 'data-loss', pattern: 'db-1/xvdb' });
  });

  test.each([
    [
      'restart',
      "1: --allow restart: from `device` up it needs a pattern (name the VMs that it is for: --allow restart=web-1, --allow 'restart=web-*', or --allow 'restart=*' for all)",
    ],
    [
      'data-loss',
      "1: --allow data-loss: from `device` up it needs a pattern (name the VMs that it is for: --allow data-loss=web-1, --allow 'data-loss=web-*')",
    ],
    ['restart=', '1: --allow restart=: the pattern is empty (name a VM: --allow restart=web-1)'],
    [
      'reboot=web-1',
      '1: --allow reboot=web-1: "reboot" is no disruption (it is CLASS or CLASS=PATTERN, and CLASS one of none, live, migrate, device, restart, stop, recreate, data-loss)',
    ],
  ])('%s is explained', (text, why) => {
    expect(refusal(text)).toBe(why);
  });

  test('a pattern that names nobody is found', () => {
    const allow = ['restart=wbe-1', 'restart=web-*', 'device=db-1/xvdb', 'live'].map(parseAllow);
    expect(idleAllows(allow, ['web-1', 'db-1'])).toEqual(['restart=wbe-1']);
  });
});
