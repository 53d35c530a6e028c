/** The gate of `examples/least-privilege`, run as sudo would run it: which texts pass, and with which arguments. */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { observeText } from '../../../src/toolstacks/xl/read/observe.ts';
import { holdText, opText, waitText, writeText } from '../../../src/transport/texts.ts';
import { shells } from './shells.ts';

const folder = join(import.meta.dirname, '../../../examples/least-privilege');
const texts = { observe: observeText, hold: holdText, op: opText, wait: waitText, write: writeText } as const;
const lines = Object.entries(texts).map(
  ([name, text]) => `${createHash('sha256').update(text).digest('hex')} ${name}\n`,
);

const dir = mkdtempSync(join(tmpdir(), 'reeve-gate-'));
afterAll(() => rmSync(dir, { recursive: true }));
const gate = join(dir, 'gate');
writeFileSync(
  gate,
  readFileSync(join(folder, 'reeve-gate'), 'utf8').replace('list=/etc/reeve-gate/', `list=${dir}/lists-`),
);
const hello = 'printf "%s\\n" hello "$@"; cat';
const digest = createHash('sha256').update(hello).digest('hex');
writeFileSync(join(dir, 'lists-reeve'), `${digest} op\n`);
writeFileSync(join(dir, 'lists-reeve-plan'), `${digest} observe\n`);

it('`texts.sha256` has the digests of the five texts', async () => {
  await expect(lines.join('')).toMatchFileSnapshot(join(folder, 'texts.sha256'));
});

describe.each(shells)('under %s', (...shell) => {
  const run = (
    user: string | undefined,
    ...args: readonly string[]
  ): { code: number | null; out: string; err: string } => {
    const [command = '', ...first] = shell.filter((x): x is string => x !== undefined);
    const env = { PATH: process.env['PATH'], ...(user === undefined ? {} : { SUDO_USER: user }) };
    const ran = spawnSync(command, [...first, gate, ...args], { env, encoding: 'utf8', input: 'input\n' });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  };

  it('runs a text of the list, with its arguments and its input', () => {
    expect(run('reeve', '-c', hello, 'reeve-op', 'a b', "it's")).toEqual({
      code: 0,
      out: "hello\na b\nit's\ninput\n",
      err: '',
    });
  });
  it.each([
    ['another text', 'reeve', ['-c', `${hello}\n`, 'reeve-op'], /not in .*lists-reeve/],
    ['a text under the name of another', 'reeve', ['-c', hello, 'reeve-write'], /not in/],
    ['no text at all', 'reeve', [], /only `sh -c/],
    ['options before the text', 'reeve', ['-x', '-c', hello], /only `sh -c/],
    ['a script', 'reeve', ['/etc/passwd', 'x', 'y'], /only `sh -c/],
    ['somebody without a list', 'eve', ['-c', hello, 'reeve-op'], /there is no list/],
    ['a name that leads elsewhere', '../lists-reeve', ['-c', hello, 'reeve-op'], /under sudo only/],
    ['without sudo', undefined, ['-c', hello, 'reeve-op'], /under sudo only/],
    ['a text of the other user', 'reeve-plan', ['-c', hello, 'reeve-op'], /not in/],
    [
      'a file that holds a secret',
      'reeve-plan',
      ['-c', hello, 'reeve-observe', 'n', 'all', 'text:/etc/shadow'],
      /may be read/,
    ],
    [
      'a private key',
      'reeve-plan',
      ['-c', hello, 'reeve-observe', 'n', 'all', 'text:/root/.ssh/id_rsa'],
      /may be read/,
    ],
    ['a way round', 'reeve-plan', ['-c', hello, 'reeve-observe', 'n', 'all', 'text:/x/../etc/a.pub'], /may be read/],
  ] as const)('refuses %s', (_, user, args, why) => {
    const ran = run(user, ...args);
    expect(ran).toMatchObject({ code: 126, out: '' });
    expect(ran.err).toMatch(why);
  });
  it('lets a reading look at public keys', () => {
    expect(run('reeve-plan', '-c', hello, 'reeve-observe', 'n', 'all', 'text:/root/.ssh/id.pub').code).toBe(0);
  });
});
