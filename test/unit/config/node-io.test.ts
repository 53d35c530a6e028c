import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadFarm } from '../../../src/config/index.ts';
import { nodeIo } from '../../../src/config/node-io.ts';

const dir = mkdtempSync(join(tmpdir(), 'reeve-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('files, folders, what is missing and what is neither', async () => {
  writeFileSync(join(dir, 'farm.yaml'), 'farm: home\n');
  mkdirSync(join(dir, 'empty'));
  expect(await nodeIo.look(join(dir, 'farm.yaml'))).toEqual({ is: 'file', size: 11 });
  expect(await nodeIo.look(join(dir, 'empty'))).toEqual({ is: 'folder', names: [] });
  expect(await nodeIo.look(join(dir, 'nothing'))).toEqual({ is: 'missing' });
  expect(await nodeIo.look(join(dir, 'farm.yaml', 'below'))).toEqual({ is: 'missing' });
  expect(await nodeIo.look('/dev/null')).toEqual({ is: 'failed', why: 'it is neither a file nor a folder' });
  expect(await nodeIo.read(join(dir, 'farm.yaml'))).toEqual(Buffer.from('farm: home\n'));
  expect(await nodeIo.read(dir)).toEqual({ failed: 'it is a folder' });
});

test('a folder without YAML, and a file that may not be read, are told', async () => {
  const secret = join(dir, 'secret.yaml');
  writeFileSync(secret, 'farm: home\n');
  chmodSync(secret, 0o000);
  const loaded = await loadFarm([join(dir, 'empty')], nodeIo);
  expect(loaded.ok ? [] : loaded.diagnostics.map((d) => d.code)).toEqual(['no-files']);
  if (process.getuid?.() === 0) return;
  const refused = await loadFarm([secret], nodeIo);
  expect(refused.ok ? [] : refused.diagnostics.map((d) => d.code)).toEqual(['unreadable-file']);
});
