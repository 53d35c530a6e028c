import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadFarm } from '../../../src/config/index.ts';
import { nodeIo } from '../../../src/config/node-io.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';

// The other folders hold no farms.
const farms = readdirSync('examples').filter((n) => n.endsWith('.yaml') || existsSync(`examples/${n}/farm.yaml`));

test.each(farms)('examples/%s is valid, without a warning', async (name) => {
  const loaded = await loadFarm([`examples/${name}`], nodeIo);
  const said = loaded.ok ? loaded.warnings : loaded.diagnostics;
  expect(renderDiagnostics(said, { color: false })).toBe('');
  expect(loaded.ok && loaded.farm.vms.length).toBeGreaterThan(0);
});
