/** `reeve diff`: what a change of the file means, between files, folders and commits; and mistakes on the lines of a pull request. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'reeve-diff-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ env: process.env });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const at = (name: string): string => join(folder, name);
const put = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

const head = `farm: acme
pools:
  ams1:
    servers: { dom01: { address: dom01.lan }, dom02: { address: dom02.lan } }
    networks: { prod: { bridge: xenbr0 } }
    repositories: { vmstore: { type: nfs, source: "filer:/export/vmstore", path: /srv/vmstore } }
`;
const profile = (memory: string): string =>
  `profiles: { small: { type: pvh, memory: ${memory}, networks: [prod], boot: { kernel: /srv/vmlinuz } } }\n`;
const vms = (names: readonly string[], more = ''): string =>
  `vms:\n${names.map((n) => `  ${n}: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB } } }\n`).join('')}${more}`;
const web = Array.from({ length: 50 }, (_, i) => `web-${String(i + 1).padStart(2, '0')}`);

describe('between two files', () => {
  test('a line in a profile is told of every VM that it reaches, once', async () => {
    const old = put('old.yaml', head + profile('1GiB') + vms(web));
    const now = put('new.yaml', head + profile('2GiB') + vms(web));
    const { code, out, err } = await reeve('diff', old, now);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^~ 50 VMs: web-01, web-02, /);
    expect(out).toContain('web-50');
    expect(out).toMatch(/^ {4}memory\.target {2}1GiB → 2GiB$/m);
    expect(out).toMatch(/\nDiff: 50 VMs change\.\n$/);
    const data = JSON.parse((await reeve('diff', old, now, '--json')).out) as { format: string; changes: object[] };
    expect(data.format).toBe('reeve-diff/1');
    expect(data.changes).toHaveLength(50);
    expect(data.changes[0]).toMatchObject({ kind: 'vm', name: 'web-01', is: 'changed' });
  });

  test('all kinds of things are told, and what runs where Reeve runs', async () => {
    const old = put('old.yaml', `${head}${profile('1GiB')}${vms(['web', 'gone', 'first'])}`);
    const now = put(
      'new.yaml',
      `${head
        .replace(
          'dom02: { address: dom02.lan }',
          'dom02: { address: dom02.lan, state: maintenance, fence: { off: "ipmi off", status: "ipmi is-off" } }',
        )
        .replace('bridge: xenbr0', 'bridge: xenbr9')
        .replace(
          'path: /srv/vmstore',
          'path: /srv/vmstore, options: "vers=4.2"',
        )}policy: { before: { restart: "backup {vm}" } }\n${profile('1GiB')}` +
        vms(
          ['web'],
          '  second: { formerly: first, profile: small, disks: { xvda: { repository: vmstore, size: 4GiB } } }\n  new: { profile: small, server: dom01 }\n',
        ),
    );
    const { code, out } = await reeve('diff', old, now, '--detailed-exitcode', '--write', `markdown=${at('diff.md')}`);
    expect(code).toBe(2);
    await expect(out).toMatchFileSnapshot('../../golden/report/diff/all-kinds.txt');
    await expect(readFileSync(at('diff.md'), 'utf8')).toMatchFileSnapshot('../../golden/report/diff/all-kinds.md');
  });

  test('the same farm, written otherwise, is no change', async () => {
    const old = put('old.yaml', head + profile('1GiB') + vms(['web']));
    const now = put('new.yaml', `# another order\n${vms(['web'])}${profile('1024MiB')}${head}`);
    expect(await reeve('diff', old, now, '--detailed-exitcode')).toEqual({
      code: 0,
      out: 'Nothing changes: both sides describe the same farm.\n',
      err: '',
    });
  });

  test('a text for cloud-init is compared, and not shown', async () => {
    const seeded = (text: string): string =>
      `${head}${profile('1GiB')}vms: { web: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB } }, cloudInit: { userData: "#cloud-config\\n# ${text}\\n" } } }\n`;
    const { out } = await reeve('diff', put('old.yaml', seeded('hunter2')), put('new.yaml', seeded('hunter3')));
    expect(out).toMatch(/^ {4}cloudInit\.userData {2}a text → another text$/m);
    expect(out).not.toContain('hunter');
  });

  test('a side that is not valid is exit code 3', async () => {
    const old = put('old.yaml', head + profile('1GiB') + vms(['web']));
    const { code, err } = await reeve('diff', old, put('new.yaml', `${head}vms: { web: { memry: 1GiB } }\n`));
    expect(code).toBe(3);
    expect(err).toContain('unknown-key');
  });

  test.each([
    [['diff'], 'reeve: a diff is between two\n'],
    [['diff', 'a', 'b', 'c'], 'reeve: a diff is between two\n'],
    [['diff', '--head', 'x', 'a', 'b'], 'reeve: a diff is between two\n'],
    [['diff', '--base=--output=/tmp/x'], 'reeve: --output=/tmp/x is no revision\n'],
    [['diff', '--base', 'HEAD', '--head=-x'], 'reeve: -x is no revision\n'],
  ])('%j', async (argv, err) => {
    const ended = await reeve(...argv);
    expect(ended).toMatchObject({ code: 1, out: '', err: expect.stringContaining(err) as string });
  });
});

describe('between commits', () => {
  const repo = at('repo');
  const git = (...argv: readonly string[]): string =>
    execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...argv], {
      encoding: 'utf8',
    });
  const commit = (name: string, text: string): void => {
    writeFileSync(join(repo, name), text);
    git('add', '-A');
    git('commit', '-q', '-m', name);
  };
  const farm = join(repo, 'farm');

  beforeAll(() => {
    mkdirSync(farm, { recursive: true });
    git('init', '-q', '-b', 'main');
    writeFileSync(join(farm, 'head.yaml'), head + profile('1GiB'));
    commit('farm/vms.yaml', vms(['web', 'db']));
    git('checkout', '-q', '-b', 'topic');
    commit('farm/vms.yaml', vms(['web', 'db', 'shop']));
    git('checkout', '-q', 'main');
    commit('farm/head.yaml', head + profile('4GiB'));
    git('checkout', '-q', 'topic');
  });

  test('the files against a branch: what came to that branch since is no part of it', async () => {
    const { code, out, err } = await reeve('diff', '--base', 'main', farm);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\+ VM shop$/m);
    expect(out).toMatch(/\nDiff: 1 VM is new\.\n$/);
  });

  test('two commits, with nothing checked out', async () => {
    const before = git('rev-parse', 'HEAD') + git('status', '--porcelain');
    const { out } = await reeve('diff', `topic:${farm}`, `main:${farm}`);
    expect(out).toMatch(/^- VM shop$/m);
    expect(out).toMatch(/^ {4}memory\.target {2}1GiB → 4GiB$/m);
    expect((await reeve('diff', '--base', 'main', '--head', 'topic', farm)).out).toMatch(/Diff: 1 VM is new\.\n$/);
    expect(git('rev-parse', 'HEAD') + git('status', '--porcelain')).toBe(before);
  });

  test('a file that was not there is a farm that is new', async () => {
    const added = join(repo, 'other.yaml');
    writeFileSync(added, head + profile('1GiB') + vms(['web']));
    const { code, out } = await reeve('diff', '--base', 'HEAD', added);
    expect(code).toBe(0);
    expect(out).toMatch(/^\+ farm$/m);
    expect(out).toMatch(/^\+ VM web$/m);
    rmSync(added);
  });

  test('mistakes name the commit', async () => {
    git('checkout', '-q', '-b', 'broken');
    commit('farm/vms.yaml', 'vms: { web: { memry: 1GiB } }\n');
    const { code, err } = await reeve('diff', '--base', 'topic', '--head', 'broken', farm);
    expect(code).toBe(3);
    expect(err).toContain('broken:');
    expect(err).toContain('vms.yaml:1:15: error: ');
    git('checkout', '-q', 'topic');
  });

  test('a link in a commit leads nowhere', async () => {
    git('checkout', '-q', '-b', 'link');
    execFileSync('ln', ['-s', '/etc/passwd', join(farm, 'z.yaml')]);
    git('add', '-A');
    git('commit', '-q', '-m', 'link');
    git('checkout', '-q', 'topic');
    const { code, err } = await reeve('diff', '--base', 'topic', '--head', 'link', farm);
    expect(code).toBe(3);
    expect(err).toContain('it is a link or a submodule');
    expect(err).not.toContain('root:');
  });

  test('a revision that is none', async () => {
    expect(await reeve('diff', '--base', 'nosuch', farm)).toMatchObject({
      code: 1,
      err: expect.stringContaining('nosuch is no revision of this repository') as string,
    });
  });

  test('git itself shows fields, with the textconv', async () => {
    const one = put('repo/one.yaml', head + profile('1GiB') + vms(['web']));
    const { out } = await reeve('diff', '--textconv', one);
    expect(out).toContain('VM web: memory.target = 1GiB\n');
    expect(out).toContain('repository ams1/vmstore: source = filer:/export/vmstore\n');
    const part = put('repo/part.yaml', vms(['web']));
    expect((await reeve('diff', '--textconv', part)).out).toBe(readFileSync(part, 'utf8'));
  });
});

describe('mistakes on the lines of a pull request', () => {
  const broken = (): string =>
    put('a, b:%c.yaml', `${head}vms: { web: { memry: 1GiB, state: "x\\ny::set-output name=a::b" } }\n`);

  test('as annotations of GitHub: a line each, whatever the file holds', async () => {
    const { code, out, err } = await reeve('validate', broken(), '--format', 'github');
    expect({ code, err }).toEqual({ code: 3, err: '' });
    const lines = out.trimEnd().split('\n');
    for (const line of lines)
      expect(line).toMatch(/^::(error|warning) file=[^,:]+,line=\d+,col=\d+,endColumn=\d+,title=[a-z-]+::[^\n]+$/);
    expect(out).toContain('a%2C b%3A%25c.yaml,line=7,col=15,endColumn=20,title=unknown-key::');
    expect(out).toContain('%0Ahelp: ');
  });

  test('as SARIF', async () => {
    const { code, out } = await reeve('validate', broken(), '--format', 'sarif');
    expect(code).toBe(3);
    const { runs, version } = JSON.parse(out) as {
      version: string;
      runs: { tool: { driver: { rules: { id: string }[] } }; results: object[] }[];
    };
    expect(version).toBe('2.1.0');
    expect(runs[0]?.results[0]).toMatchObject({
      ruleId: 'unknown-key',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: expect.stringMatching(/a%2C%20b%3A%25c\.yaml$/) as string },
            region: { startLine: 7, startColumn: 15, endColumn: 20 },
          },
        },
      ],
    });
    expect(runs[0]?.tool.driver.rules.map((r) => r.id)).toContain('unknown-key');
  });

  test('a file without one', async () => {
    const right = put('right.yaml', head + profile('1GiB') + vms(['web']));
    expect(await reeve('validate', right, '--format', 'github')).toEqual({ code: 0, out: '', err: '' });
    expect((await reeve('validate', right, '--format', 'xml')).code).toBe(1);
  });
});
