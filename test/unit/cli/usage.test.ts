import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'reeve-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const farm = join(folder, 'farm.yaml');
writeFileSync(
  farm,
  'farm: home\nservers: { xen: { address: 127.0.0.1, ssh: { port: 1 } } }\nnetworks: { lan: { bridge: xenbr0 } }\n' +
    'defaults: { type: pvh, memory: 1GiB, networks: [lan] }\nvms: { web: {}, db: { memory: 4GiB } }\n',
);
const broken = join(folder, 'broken.yaml');
writeFileSync(broken, 'farm: home\nservers: { xen: { address: xen.lan } }\nvms: { web: { memry: 1GiB } }\n');

const reeve = async (...argv: string[]) => {
  const heard = fakeShell();
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};

describe('the command line', () => {
  test('help names the commands and the exit codes', async () => {
    const { code, out } = await reeve('--help');
    expect(code).toBe(0);
    for (const word of [
      'validate',
      'plan',
      'apply',
      'drift',
      'status',
      'snapshot',
      'import',
      'history',
      'release',
      'console',
      'schema',
      'demo',
      '130 cancelled',
    ]) {
      expect(out).toContain(word);
    }
  });

  test('the version', async () => {
    expect(await reeve('--version')).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  });

  test('a slip in a command is answered with the nearest one', async () => {
    const { code, err } = await reeve('aply');
    expect(code).toBe(1);
    expect(err).toContain('Did you mean apply?');
  });

  test.each([
    [['explain'], "error: missing required argument 'vm'\n"],
    [['fmt', 'web'], 'reeve: reeve fmt is not built yet in this version\n'],
    [
      ['history', '--since', 'soon'],
      'reeve: --since soon: it is no time\nhelp: write 90m, 12h, 7d, or a date like 2026-01-31\n',
    ],
    [['render', '--help'], 'reeve: reeve render is not built yet in this version\n'],
    [
      ['import', '--farm', 'a b', '--cfg', 'x'],
      'reeve: --farm a b: " " may not stand in a name (letters, digits, and . _ + - may)\n',
    ],
    [['import', '--cfg', '/nonexistent/x'], 'reeve: /nonexistent/x cannot be read: there is no such file or folder\n'],
    [['plan', '--format', 'html'], 'reeve: --format html is not built yet in this version\n'],
    [
      ['status', '--read-timeout', 'soon'],
      'reeve: --read-timeout soon: it is no time\nhelp: write a number and s, m or h, like 2m\n',
    ],
    [
      ['roll', 'p', '--reboot', '--read-timeout', 'soon'],
      'reeve: --read-timeout soon: it is no time\nhelp: write a number and s, m or h, like 2m\n',
    ],
    [
      ['release', 'web', '--read-timeout', 'soon'],
      'reeve: --read-timeout soon: it is no time\nhelp: write a number and s, m or h, like 2m\n',
    ],
    [
      ['console', 'web', '--read-timeout', 'soon'],
      'reeve: --read-timeout soon: it is no time\nhelp: write a number and s, m or h, like 2m\n',
    ],
    [['plan', '--format', 'xml'], 'reeve: --format xml: there is no such format\nhelp: it is text, json or markdown\n'],
    [
      ['plan', '--write', 'plan.json'],
      'reeve: --write plan.json names no file\nhelp: write --write FORMAT=FILE; FORMAT is text, json or markdown\n',
    ],
    [
      ['plan', '--write', 'xml=x'],
      'reeve: --format xml: there is no such format\nhelp: it is text, json or markdown\n',
    ],
    [['plan', '--cause', 'me'], 'reeve: --cause me: there is no such cause\nhelp: it is config, drift or all\n'],
    [['schema', 'vm'], 'reeve: there is no schema vm\nhelp: it is farm or plan\n'],
    [
      ['apply', '--expect', 'abc'],
      'reeve: --expect abc is no digest\nhelp: it is sha256: and 64 hex digits, as `reeve plan --out` prints it\n',
    ],
    [
      ['apply', 'plan.json', '--allow', 'live'],
      'reeve: a saved plan is done as it was reviewed: it does not take --allow\n' +
        'help: it takes --yes, --expect, --wait and --events; make a new plan for anything else\n',
    ],
    [
      ['apply', 'plan.json', 'farm.yaml'],
      'reeve: a saved plan is applied alone\nhelp: name one PLAN.json and no other path\n',
    ],
  ])('%j', async (argv, err) => {
    expect(await reeve(...argv)).toEqual({ code: 1, out: '', err });
  });

  test('schema prints what editors take', async () => {
    for (const name of ['farm', 'plan']) {
      const { code, out } = await reeve('schema', name);
      expect(code).toBe(0);
      expect(out).toBe(readFileSync(new URL(`../../../schemas/${name}.schema.json`, import.meta.url), 'utf8'));
    }
  });
});

describe('the file', () => {
  test('validate: a valid one', async () => {
    expect(await reeve('validate', farm)).toEqual({
      code: 0,
      out: 'Farm home is valid: 1 pool, 1 server, 2 VMs.\n',
      err: '',
    });
  });

  test.each(['validate', 'plan', 'apply', 'drift'])(
    '%s: an invalid one is exit code 3, with its place',
    async (command) => {
      const { code, out, err } = await reeve(command, broken);
      expect(code).toBe(3);
      expect(out).toBe('');
      expect(err).toContain('broken.yaml:3:15');
      expect(err).toContain('did you mean "memory"?');
    },
  );

  test('options that name nothing are no farm that has nothing to do', async () => {
    expect(await reeve('plan', farm, '--pool', 'ams1')).toEqual({
      code: 1,
      out: '',
      err: 'reeve: --pool ams1: no such pool\nhelp: the file has home\n',
    });
    expect((await reeve('plan', farm, '--target', 'wbe')).err).toContain('--target wbe names no VM of the file');
    expect((await reeve('plan', farm, '--takeover', 'x')).err).toContain('--takeover x names no VM of the file');
  });

  test('a server that does not answer is exit code 4, and told', async () => {
    const { code, out, err } = await reeve('plan', farm, '--allow', 'restart=wbe');
    expect(code).toBe(4);
    expect(out).toContain('Not read\n  ! xen: ');
    expect(err).toBe('warning: --allow restart=wbe names no VM of the file\n');
  });

  test('a plan file that is none', async () => {
    const path = join(folder, 'plan.json');
    writeFileSync(path, '{"format":"reeve-plan/9"}');
    const { code, err } = await reeve('apply', path, '--yes');
    expect(code).toBe(3);
    expect(err).toContain('the plan has the format "reeve-plan/9"; this version of Reeve reads reeve-plan/1');
    expect((await reeve('apply', join(folder, 'none.json'))).code).toBe(1);
  });
});
