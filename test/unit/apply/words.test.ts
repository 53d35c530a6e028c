/** What a failed command printed, as a person reads it. */
import { describe, expect, test } from 'vitest';
import { failureOf, heldBy, outputOf } from '../../../src/apply/words.ts';
import type { ExecStep } from '../../../src/core/step.ts';

const step: ExecStep = { do: 'exec', argv: ['xl', 'create', '-q', '/etc/xen/a.cfg'], deadlineMs: 40_000 };

describe('outputOf', () => {
  test.each([
    ['', ''],
    ['\n\n', ''],
    ['Domain with name "p1" already exists.\n', 'Domain with name "p1" already exists.'],
    [
      'libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: Could not find bridge device nobr\n' +
        'libxl: error: libxl_device.c:1481:device_addrm_aocomplete: Domain 2:Unable to add vif with id 1\n' +
        'libxl_device_nic_add failed.\n',
      'script: Could not find bridge device nobr; Domain 2:Unable to add vif with id 1; libxl_device_nic_add failed.',
    ],
    ['Parsing config from /etc/xen/a.cfg\nlibxl: debug: libxl_x.c:1:f: chatter\nno\nno\n', 'no'],
    ['Parsing config from /etc/xen/a.cfg\n', 'Parsing config from /etc/xen/a.cfg'],
    ['1\n2\n3\n4\n5\n6\n7\n8\n', '1; 2; 3; …; 7; 8'],
    ['\u001b[31mred\u0007\n', '[31mred'],
    ['\u001b\u0007\n', ''],
  ])('%j', (text, said) => {
    expect(outputOf(text)).toBe(said);
  });

  test('a line without end is cut', () => {
    expect(outputOf('x'.repeat(10_000))).toHaveLength(400);
  });
});

describe('failureOf', () => {
  test.each([
    [{ rc: 3, out: 'seen', err: 'no' }, 10, 'failed (exit code 3): no'],
    [{ rc: 1, out: 'only here', err: '' }, 10, 'failed (exit code 1): only here'],
    [{ rc: 1, out: '', err: '' }, 10, 'failed (exit code 1)'],
    [{ rc: 124, out: '', err: '' }, 40_000, 'did not end within 40 s'],
    [{ rc: 137, out: '', err: '' }, 45_000, 'did not end within 40 s'],
    [{ rc: 137, out: '', err: '' }, 10, 'failed (exit code 137)'],
  ])('%j', (result, took, said) => {
    expect(failureOf(step, result, took)).toBe(`xl create -q /etc/xen/a.cfg ${said}`);
  });
});

test('heldBy names who, since when and from where', () => {
  expect(heldBy('dom1', { who: 'ann', from: 'desk', since: '2026-01-02T03:04:05Z', epoch: 'e' })).toBe(
    'dom1 is held by ann, since 2026-01-02T03:04:05Z, from desk',
  );
  expect(heldBy('dom1', null)).toBe('dom1 is held by another run');
});
