/**
 * The tests on real Xen. A file that failed is run again, from its own beginning, where the emulation broke a guest of its dom0s
 * meanwhile: Xen says so on its console ("Triple fault"), the guest reboots or dies by itself, and what the file found says
 * nothing of Reeve. Any other failure stands as it is.
 *
 *   npm run test:xen [-- FILE… and vitest's options]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const asked = '--outputFile.json=';
const args = process.argv.slice(2);
const wanted = args.find((a) => a.startsWith(asked))?.slice(asked.length);
const options = args.filter((a) => a.startsWith('--') && !a.startsWith(asked) && !a.startsWith('--reporter'));
const most = 2;

const folder = mkdtempSync(join(tmpdir(), 'reeve-lab-run-'));
const faults = join(folder, 'faults');

/** Vitest's own JSON of this run; null: it came to none. */
const run = (files) => {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  writeFileSync(faults, '');
  const { status } = spawnSync(
    join(root, 'node_modules/.bin/vitest'),
    [
      'run',
      '--config',
      'test/lab/vitest.config.ts',
      ...options,
      '--reporter=default',
      '--reporter=json',
      `${asked}${report}`,
      ...files,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, REEVE_LAB_FAULTS: faults } },
  );
  try {
    return { status, results: JSON.parse(readFileSync(report, 'utf8')).testResults };
  } catch {
    return { status: status || 1, results: [] };
  }
};

const broken = () => new Set(readFileSync(faults, 'utf8').split('\n').filter(Boolean));

let { status, results } = run(args.filter((a) => !a.startsWith('--')));
for (let again = 1; status !== 0 && again <= most; again++) {
  const failed = results.filter((r) => r.status === 'failed').map((r) => r.name);
  const disturbed = broken();
  const files = failed.filter((f) => disturbed.has(f));
  if (files.length === 0 || files.length < failed.length) break;
  console.log(`\nThe emulation broke a guest while these ran; again (${again} of ${most}):\n  ${files.join('\n  ')}\n`);
  const next = run(files);
  status = next.status;
  results = [...results.filter((r) => !files.includes(r.name)), ...next.results];
}
if (wanted !== undefined) {
  const count = (is) => results.flatMap((r) => r.assertionResults).filter((t) => t.status === is).length;
  const report = { numPassedTests: count('passed'), numFailedTests: count('failed'), testResults: results };
  writeFileSync(wanted, JSON.stringify(report));
}
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;
