/** The real command with its real streams: all that it says arrives, or it ends with an error. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'reeve-streams-'));
afterAll(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** Each command has far more to say than a pipe holds. */
const names = Array.from({ length: 20 }, (_, i) => `dom${i}`);
const long = 'x'.repeat(9000);
const farm = put(
  'farm.yaml',
  `farm: home\nservers:\n${names.map((n) => `  ${n}: { address: ${n}.lan }\n`).join('')}networks: { lan: { bridge: xenbr0 } }\nvms: {}\n`,
);
const silent = { unread: { is: 'unknown', reason: 'unreachable', why: `it does not answer; ${long}` } };
const snapshot = put(
  'snapshot.json',
  JSON.stringify({
    format: 'reeve-snapshot/1',
    tool: '0.1.0',
    at: '2026-01-02T03:04:05Z',
    farm: 'home',
    servers: Object.fromEntries(names.map((n) => [n, silent])),
  }),
);
/** Twenty mistakes are shown, and each names its file: a pipe does not hold that of one that lies so deep. */
const deep = Array.from({ length: 17 }, () => 'y'.repeat(200)).join('/');
mkdirSync(join(folder, deep), { recursive: true });
const broken = put(
  `${deep}/broken.yaml`,
  `farm: home\nservers: { xen: { address: xen.lan } }\nvms:\n${names.map((n) => `  vm-${n}: { memry-${long}: 1GiB }\n`).join('')}`,
);

interface Ended {
  /** Of the command itself, wherever it stands in the line. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const ended = join(folder, 'ended');

/** `line`: of a shell; `reeve` in it is the command. */
const sh = (line: string, ...argv: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const code = `"$@"; echo $? > ${ended}`;
    const child = spawn('sh', ['-c', line.replace('reeve', `{ ${code}; }`), 'sh', process.execPath, main, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (d: string) => (out += d));
    child.stderr.setEncoding('utf8').on('data', (d: string) => (err += d));
    child.once('close', () => resolve({ code: Number(readFileSync(ended, 'utf8')), out, err }));
  });

const from = ['--from-snapshot', snapshot, farm];
const saying: readonly (readonly [command: string, argv: readonly string[], code: number])[] = [
  ['plan', ['plan', ...from], 4],
  ['plan --json', ['plan', '--json', ...from], 4],
  ['status', ['status', ...from], 4],
  ['schema', ['schema', 'farm'], 0],
];
const file = join(folder, 'file');

describe('standard output', () => {
  test.each(saying)('%s: a pipe gets every byte that a file gets, however slow its reader', async (_, argv, code) => {
    expect((await sh(`reeve > ${file}`, ...argv)).code).toBe(code);
    const whole = readFileSync(file, 'utf8');
    expect(whole.length).toBeGreaterThan(35_000);
    for (const line of ['reeve | cat', 'reeve | { sleep 0.3; cat; }']) {
      const piped = await sh(line, ...argv);
      expect(piped.code).toBe(code);
      expect({ line, whole: piped.out === whole }).toEqual({ line, whole: true });
    }
  });

  test.each([...saying, ['--version', ['--version'], 0] as const])(
    '%s: a reader that goes away is no error, and a full disk is one',
    async (_, argv, code) => {
      const gone = await sh('reeve | head -c 1 > /dev/null', ...argv);
      expect(gone.code).toBe(code);
      expect(gone.err).not.toMatch(/EPIPE|standard output/);
      const full = await sh('reeve > /dev/full', ...argv);
      expect(full.code).toBe(1);
      expect(full.err).toMatch(/reeve: cannot write to standard output: ENOSPC.*\n$/);
    },
  );

  test('a disk that takes a part only is a full one', async () => {
    // In blocks of 512 bytes, or of 1024 in some shells: less than what there is to say.
    const full = await sh(`(ulimit -f 40; reeve > ${file})`, 'plan', '--json', ...from);
    expect(full.code).toBe(1);
    expect(full.err).toContain('reeve: cannot write to standard output: EFBIG');
  });
});

describe('standard error', () => {
  test('errors arrive whole, too, however slow their reader', async () => {
    expect((await sh(`reeve 2> ${file}`, 'validate', broken)).code).toBe(3);
    const whole = readFileSync(file, 'utf8');
    expect(whole.length).toBeGreaterThan(70_000);
    const piped = await sh('reeve 2>&1 | { sleep 0.3; cat; }', 'validate', broken);
    expect(piped.code).toBe(3);
    expect(piped.out === whole).toBe(true);
  });

  test('a reader that goes away is no error, and a full disk is one', async () => {
    expect((await sh('reeve 2>&1 | head -c 1 > /dev/null', 'validate', broken)).code).toBe(3);
    expect((await sh('reeve 2> /dev/full', 'validate', broken)).code).toBe(1);
    expect((await sh('reeve > /dev/full 2> /dev/full', 'plan', ...from)).code).toBe(1);
  });
});

test('a plan that cannot be saved is an error', async () => {
  const full = await sh('reeve', 'plan', ...from, '--out', '/dev/full');
  expect(full.code).toBe(1);
  expect(full.err).toContain('/dev/full cannot be written: ENOSPC');
});
