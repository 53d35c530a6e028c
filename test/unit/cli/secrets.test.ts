import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { relative, join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { gatherSecrets, namedByFarm, namedByPlan, secretsToCompare, secretsToWrite } from '../../../src/cli/secrets.ts';
import type { Farm } from '../../../src/kinds/farm.ts';
import { everyVerb, whole } from '../report/whole-vm.ts';
import { fakeShell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'reeve-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'vnc'), 'swordfish\n');
writeFileSync(join(folder, 'dos'), 'sword fish\r\n');
writeFileSync(join(folder, 'two'), 'one\ntwo\n');
writeFileSync(join(folder, 'none'), '\n');

const named = (...references: string[]) => references.map((reference) => ({ reference, place: 'x of vm' }));
const shell = fakeShell({ home: folder, env: { VNC: 'pa ss', EMPTY: '' } });

const gather = (...references: string[]) => gatherSecrets(shell.shell, named(...references));

describe('a reference', () => {
  test.each([
    ['${env:VNC}', 'pa ss'],
    [`\${file:${folder}/vnc}`, 'swordfish'],
    [`\${file:${folder}/dos}`, 'sword fish'],
    ['${file:~/vnc}', 'swordfish'],
    [`\${file:${relative('.', folder)}/vnc}`, 'swordfish'],
  ])('%s has its value', async (reference, value) => {
    expect(await gather(reference)).toEqual({ secrets: new Map([[reference, value]]), missing: [] });
  });

  test.each([
    ['${env:NONE}', 'the variable NONE is not set'],
    ['${env:EMPTY}', 'it is empty'],
    ['${file:~/none}', 'it is empty'],
    ['${file:~/two}', 'it has more than one line, or control characters'],
    ['${file:~/nowhere}', 'the file cannot be read: there is no ~/nowhere'],
    ['swordfish', 'it is neither ${env:NAME} nor ${file:PATH}'],
  ])('%s has none, and says why', async (reference, why) => {
    const { secrets, missing } = await gather(reference, reference);
    expect(secrets.size).toBe(0);
    expect(missing).toEqual([expect.stringContaining(`${reference} (x of vm): ${why}`)]);
  });
});

const vm = (key: string, pool: string, reference: string, more: object = {}) => ({
  key,
  pool,
  state: 'running',
  settings: { 'display.vnc': true, 'display.vnc.password': { secret: reference, digest: null } },
  ...more,
});
const farm = {
  pools: [],
  vms: [
    vm('win-1', 'a', '${env:ONE}'),
    vm('win-2', 'a', '${env:TWO}'),
    vm('win-3', 'b', '${env:THREE}'),
    vm('win-4', 'b', '${env:FOUR}', { state: 'absent' }),
    vm('win-5', 'b', 'kept'),
  ],
} as unknown as Farm;
const references = (list: readonly { reference: string }[]): readonly string[] => list.map((n) => n.reference);

describe('which are named', () => {
  test('by a farm: those of the VMs that the options cover', () => {
    const all = { pools: [], targets: [] };
    expect(namedByFarm(farm, all)[0]).toEqual({ reference: '${env:ONE}', place: 'display.vnc.password of win-1' });
    expect(references(namedByFarm(farm, all))).toEqual(['${env:ONE}', '${env:TWO}', '${env:THREE}']);
    expect(references(namedByFarm(farm, { ...all, pools: ['b'] }))).toEqual(['${env:THREE}']);
    expect(references(namedByFarm(farm, { ...all, targets: ['*-2', 'vm/win-3'] }))).toEqual([
      '${env:TWO}',
      '${env:THREE}',
    ]);
  });

  test('by a plan: those of the cfgs that it writes', () => {
    expect(namedByPlan(whole)).toEqual([{ reference: '${env:WIN_VNC}', place: 'display.vnc.password of win-1' }]);
    const starts = everyVerb.operations.filter((o) => o.op.verb === 'start');
    expect(starts).toHaveLength(1);
    expect(namedByPlan({ ...everyVerb, operations: starts })).toEqual([]);
  });
});

describe('without a value', () => {
  test('a reading command warns and goes on', async () => {
    const heard = fakeShell({ env: { ONE: 'x' } });
    const secrets = await secretsToCompare(heard.shell, named('${env:ONE}', '${env:TWO}'));
    expect([...secrets]).toEqual([['${env:ONE}', 'x']]);
    expect(heard.err()).toBe('warning: ${env:TWO} (x of vm): the variable TWO is not set; it counts as unchanged\n');
  });

  test('a changing command ends with exit code 3 and all of them', async () => {
    const heard = fakeShell();
    await expect(secretsToWrite(heard.shell, named('${env:ONE}', '${env:TWO}'))).rejects.toMatchObject({
      code: 3,
      message: '${env:ONE} (x of vm): the variable ONE is not set; ${env:TWO} (x of vm): the variable TWO is not set',
    });
    expect(heard.err()).toBe('');
  });
});
