import { setTimeout as after } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

test('the demo goes as it should, on a machine that has none of the owner’s SSH settings', async () => {
  const { shell, out, err } = fakeShell({ now: Date.now, sleep: async (ms) => after(ms) });
  const code = await run(['demo'], shell);
  expect({ code, err: err().replaceAll(/^warning: .*\n/gm, '') }).toEqual({ code: 0, err: '' });
  expect(out()).toContain('dom02# xl destroy web-2');
  expect(out().match(/^Nothing to do: 3 servers and 4 VMs are as the file says\.$/gm)).toHaveLength(1);
  expect(out()).toMatch(/^→ mail on dom01 → dom0[23]: migrate live/m);
}, 120_000);
