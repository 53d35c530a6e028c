import { describe, expect, test } from 'vitest';
import { onScreen } from '../../../src/report/text.ts';
import type { Plan } from '../../../src/kinds/plan.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { drifted, empty, troubled, usual, waiting } from './plans.ts';
import { whole } from './whole-vm.ts';

const golden = (name: string): string => `../../golden/report/${name}`;
const plain = { color: false, width: 100, commands: false };

describe('renderPlan', () => {
  test.each([
    ['usual', usual],
    ['drifted', drifted],
    ['troubled', troubled],
    ['waiting', waiting],
    ['whole', whole],
  ])('the plan of a day: %s', async (name: string, plan: Plan) => {
    await expect(renderPlan(plan, plain)).toMatchFileSnapshot(golden(`${name}.txt`));
  });

  test('the commands behind it, on request', async () => {
    await expect(renderPlan(usual, { ...plain, commands: true })).toMatchFileSnapshot(golden('usual-commands.txt'));
  });

  test('a narrow terminal', async () => {
    const text = renderPlan(drifted, { ...plain, width: 60 });
    await expect(text).toMatchFileSnapshot(golden('drifted-narrow.txt'));
    expect(Math.max(...text.split('\n').map((l) => l.length))).toBeLessThanOrEqual(60);
  });

  test('what an earlier place still has of a VM is told beside what else is done to it', () => {
    const first = usual.operations.find((o) => o.target.name === 'web-1');
    if (!first) throw new Error('no operation of web-1');
    const half = {
      ...first,
      id: 'web-1/discard',
      server: 'dom02',
      op: { vm: first.target, server: 'dom02', uuid: 'u', name: 'web-1--incoming', verb: 'discard', home: 'dom01' },
      reason: 'destroy web-1--incoming, which a broken-off migration left; the VM is on dom01',
    } as Plan['operations'][number];
    const vms = usual.vms.map((v) =>
      v.subject.name === 'web-1' ? { ...v, operations: ['web-1/discard', ...v.operations] } : v,
    );
    const text = renderPlan({ ...usual, vms, operations: [half, ...usual.operations] }, plain);
    expect(text).toMatch(/^ {4}also +on dom02: destroy web-1--incoming, which a broken-off migration left/m);
  });

  test('a satisfied farm is exactly one line', () => {
    expect(renderPlan(empty, plain)).toBe('Nothing to do: 3 servers and 50 VMs are as the file says.\n');
  });

  test('a satisfied farm says what was asked', () => {
    const asked = (options: Partial<Plan['options']>): string =>
      renderPlan({ ...empty, options: { ...empty.options, ...options } }, plain);
    expect(asked({ cause: 'drift' })).toBe('No drift: 3 servers and 50 VMs are as they were last applied.\n');
    expect(asked({ cause: 'config' })).toBe('Nothing to do: the file asks for no change of 3 servers and 50 VMs.\n');
    expect(asked({ targets: ['web-*'] })).toBe('Nothing to do: what --target web-* names is as the file says.\n');
  });

  test('colours add nothing but colour', () => {
    const escape = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, 'g');
    for (const plan of [usual, drifted, troubled, waiting, whole]) {
      const painted = onScreen(renderPlan(plan, { ...plain, color: true, commands: true }));
      expect(painted).toMatch(escape);
      expect(painted.replaceAll(escape, '')).toBe(renderPlan(plan, { ...plain, commands: true }));
    }
  });

  test('what is to be warned of many servers is said once', () => {
    const warnings = ['dom01: it saves VMs', 'web-1 has no monitor', 'dom02: it saves VMs', 'dom02: xl list: odd'];
    expect(
      renderPlan({ ...empty, warnings }, plain)
        .split('\n')
        .slice(2, -1),
    ).toEqual(['Warnings', '  ! dom01, dom02: it saves VMs', '  ! web-1 has no monitor', '  ! dom02: xl list: odd']);
  });

  test('what a dom0 calls its domains cannot steer the terminal', () => {
    const name = `evil${String.fromCodePoint(27)}[2J\nname`;
    const text = renderPlan({ ...empty, unmanaged: [{ server: 'dom01', name, what: 'vm', detail: name }] }, plain);
    expect(text).toContain('evil\\u001b[2J name');
    expect(text).not.toContain(String.fromCodePoint(27));
  });
});
