/** `reeve import` from servers: whatever was made there by hand, a plan of the file changes nothing, before and after adopting. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import type { Plan } from '../../../src/kinds/plan.ts';
import { makeRandom } from '../../../src/sim/random.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
/** The demo's file without its VMs, networks and profiles. */
let servers = '';

const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const heard = fakeShell({ home: farm.folder, ...more });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};

const file = async (name: string, text: string): Promise<string> => {
  const path = join(farm.folder, name);
  await writeFile(path, text);
  return path;
};

const hand = async (server: string, line: string): Promise<void> => {
  const { rc, err } = await farm.sim.hand(server, line.split(' '));
  if (rc !== 0) throw new Error(`${line}: ${err}`);
};

const put = (server: string, name: string, text: string): void => {
  const wrong = farm.sim.files(server).write(name.startsWith('/') ? name : `/etc/xen/${name}.cfg`, text);
  if (wrong) throw new Error(wrong);
};

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const mac = (n: number): string => `00:16:3e:00:00:${String(n).padStart(2, '0')}`;

const guest = 'kernel = "/srv/guest/vmlinuz"\nramdisk = "/srv/guest/initrd.gz"\n';
const pvh = (name: string, n: number, more = ''): string =>
  `# ${name}, made by hand\nname = "${name}"\nuuid = "${uuid(n)}"\ntype = "pvh"\n${guest}memory = 512\nvcpus = 2\n` +
  `disk = [ "/dev/vg0/${name},raw,xvda,rw" ]\nvif = [ "mac=${mac(n)},bridge=xenbr0" ]\n${more}`;

/** All of /etc/xen of all servers but the markers. */
const etc = (): readonly string[] =>
  ['dom01', 'dom02', 'dom03'].flatMap((s) =>
    farm.sim
      .files(s)
      .list('/etc/xen')
      .map((f) => `${s} ${f}`),
  );
const domids = async (): Promise<string> =>
  (await Promise.all(['dom01', 'dom02', 'dom03'].map((s) => farm.sim.hand(s, ['xl', 'list'])))).map((r) => r.out.replaceAll(/^(\S+ +\d+).*$/gm, '$1')).join('\n'); // prettier-ignore

/** What a plan of the file would do. */
const doneBy = async (path: string) => {
  const { out } = await reeve(['plan', '--json', path]);
  const plan = JSON.parse(out) as Plan;
  const unique = (all: readonly string[]): readonly string[] => [...new Set(all)].sort();
  return {
    verbs: unique(plan.operations.map((o) => o.op.verb)),
    disruptions: unique(plan.operations.map((o) => o.disruption)),
    vms: plan.vms.map((v) => `${v.name} ${v.action}`),
    changes: plan.vms.flatMap((v) => v.changes.map((c) => c.field)),
    refused: plan.refused.map((r) => r.what),
  };
};

const start = async (): Promise<void> => {
  farm = await startDemoFarm(Infinity);
  await farm.describe('');
  const text = await readFile(farm.path, 'utf8');
  servers = text.replace(/ +networks: .*\n/, '').replace(/profiles:[^]*/, '');
};

describe('VMs that were made by hand', () => {
  beforeAll(async () => {
    await start();
    put('dom01', 'web-1', pvh('web-1', 1));
    put(
      'dom01',
      'web-2',
      pvh('web-2', 2, 'maxmem = 1024\non_crash = "restart"\nvfb = [ "type=vnc,vncpasswd=hunter22" ]\n'),
    );
    put('dom02', 'db-1', pvh('db-1', 3));
    put('dom03', 'mail', pvh('mail', 4).replace(/mac=[^,]*,/, ''));
    put('dom03', 'theirs', `# reeve: ${JSON.stringify({ farm: 'other', vm: 'theirs', uuid: uuid(5), home: 'dom03', generation: 1, origin: 'created', protect: false, macs: {}, applied: {}, by: '1' })}\n${pvh('theirs', 5).replace('/dev/vg0/theirs', '/dev/vg0/db-1-data')}`); // prettier-ignore
    put('dom03', 'broken', 'name = "broken"\nmemory = = 3\n');
    for (const line of ['create /etc/xen/web-1.cfg', 'create /etc/xen/web-2.cfg', 'mem-set web-2 768', 'pause web-1'])
      await hand('dom01', `xl ${line}`);
    await hand('dom01', 'xl block-attach web-2 /dev/vg0/web-1,raw,xvdb,r');
    await hand('dom02', 'xl create /etc/xen/db-1.cfg');
    await hand('dom02', 'ln -s /etc/xen/db-1.cfg /etc/xen/auto/db-1.cfg');
  });
  afterAll(() => farm.close());

  it('are written as they are, and nothing is changed there', async () => {
    const before = [etc(), await domids()];
    const { code, out, err } = await reeve([
      'import',
      await file('servers.yaml', `${servers}# the end\n`),
      '--out',
      join(farm.folder, 'all.yaml'),
    ]);
    expect(out).toBe('');
    expect(code).toBe(5);
    expect(err).toContain('warning: theirs (dom03) is left out: it belongs to farm other');
    expect(err).toContain('warning: broken.cfg (dom03) is left out: /etc/xen/broken.cfg:2:10: ');
    expect([etc(), await domids()]).toEqual(before);
    const text = await readFile(join(farm.folder, 'all.yaml'), 'utf8');
    expect(text).not.toContain('hunter22');
    expect(text.startsWith(servers)).toBe(true);
    expect(text.slice(servers.length)).toMatchSnapshot();
  });

  it('are the same bytes again', async () => {
    const { out } = await reeve(['import', join(farm.folder, 'servers.yaml')]);
    expect(out).toBe(await readFile(join(farm.folder, 'all.yaml'), 'utf8'));
  });

  it('are found by the names of the servers alone, also as a folder', async () => {
    await mkdir(join(farm.folder, '.ssh'), { recursive: true });
    const config = farm.sim.servers.map((s) => `Host ${s.name}\n HostName ${s.host}\n Port ${s.port}\n User root\n`);
    await file('.ssh/config', `${config.join('')}Host *\n IdentityFile ${farm.folder}/id_demo\n UserKnownHostsFile ${farm.folder}/known_hosts\n`); // prettier-ignore
    const out = join(farm.folder, 'made/');
    const { code } = await reeve(['import', '--server', 'dom01', 'dom02', 'dom03', '--farm', 'demo', '--out', out]);
    expect(code).toBe(5);
    expect((await reeve(['plan', out])).out).toContain('Plan: 4 to adopt, 0 restarts, 0 to delete;');
    expect(await readFile(join(out, 'servers.yaml'), 'utf8')).toBe(
      'farm: demo\n\nservers:\n  dom01: { address: dom01 }\n  dom02: { address: dom02 }\n  dom03: { address: dom03 }\n',
    );
  });

  it('are only marked by a plan of that file, and by nothing once they are', async () => {
    const path = join(farm.folder, 'all.yaml');
    const before = await domids();
    expect(await doneBy(path)).toEqual({
      verbs: ['define', 'join-pool'],
      disruptions: ['none'],
      vms: ['db-1 adopt', 'mail adopt', 'web-1 adopt', 'web-2 adopt'],
      changes: [],
      refused: [],
    });
    const applied = await reeve(['apply', '--yes', path], { env: { WEB_2_VFB_PASSWORD: 'hunter22' } });
    expect([applied.code, applied.err]).toEqual([0, '']);
    expect(await domids()).toBe(before);
    const again = await reeve(['plan', '--detailed-exitcode', path]);
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('Nothing to do: 3 servers and 4 VMs')]);
    // And what it knows is not imported again.
    expect((await reeve(['import', path])).out).toBe(await readFile(path, 'utf8'));
  });

  it('are put into a file that is there, which stays as it is but for them', async () => {
    const mine = `${servers}\nvms:\n    # mine\n    web-1: { uuid: ${uuid(1)} }   # first\n\n# the end\n`;
    const path = await file('merged.yaml', mine);
    expect((await reeve(['import', '--merge', path, '--vm', 'db*'])).code).toBe(5);
    const text = await readFile(path, 'utf8');
    const lines = text.split('\n');
    expect(mine.split('\n').filter((line) => !lines.includes(line))).toEqual([]);
    expect(lines.indexOf('    db-1:')).toBe(lines.indexOf(`    web-1: { uuid: ${uuid(1)} }   # first`) + 1);
    expect(await doneBy(path)).toMatchObject({ verbs: [], refused: [] });
  });

  it('are not written at all where a server does not answer', async () => {
    const path = await file('gone.yaml', servers.replace(/port: \d+/, 'port: 1'));
    const { code, out, err } = await reeve(['import', path]);
    expect([code, out]).toEqual([4, '']);
    expect(err).toContain('dom01 could not be read');
  });
});

const words = <T>(random: ReturnType<typeof makeRandom>, all: readonly T[]): T =>
  all[random.between([0, all.length - 1])] as T;

describe.each([1, 2, 3, 4])('a farm by chance (%i)', (seed) => {
  beforeAll(start);
  afterAll(() => farm.close());

  it('is imported without a change, and stays so once adopted', async () => {
    const random = makeRandom(`import ${seed}`);
    const one = <T>(...all: readonly T[]): T => words(random, all);
    const names = ['web-1', 'web-2', 'db-1', 'db-1-data', 'mail'];
    for (const [i, name] of names.entries()) {
      const server = one('dom01', 'dom02', 'dom03');
      const more = [
        one('', 'maxmem = 1024\n'),
        one('', 'maxvcpus = 4\n'),
        one('', 'on_crash = "restart"\n', 'on_poweroff = "preserve"\n'),
        one('', 'cpus = "0-3"\n', 'cpu_weight = 512\n'),
        one('', 'extra = "root=/dev/xvda ro"\n', 'cmdline = "quiet"\n'),
        one('', 'nomigrate = 1\n', 'cpuid = "host,tm=0"\n', 'vfb = [ "type=vnc,vncpasswd=hunter22" ]\n'),
      ].join('');
      const text = pvh(name, i + 1, more)
        .replace(one('mac=', `mac=${mac(i + 1)},`), one('mac=', ''))
        .replace(
          'bridge=xenbr0',
          one('bridge=xenbr0', 'bridge=xenbr1', 'bridge=xenbr0,rate=10Mb/s', 'bridge=xenbr0,ip=10.0.0.1'),
        );
      const path = one(`/etc/xen/${name}.cfg`, `/etc/xen/${name}.cfg`, `/etc/xen/vm/${name}`);
      await farm.sim.hand(server, ['mkdir', '-p', '/etc/xen/vm']);
      put(server, path, /mac=(?:,|bridge)/.test(text) ? pvh(name, i + 1, more) : text);
      if (one(true, true, false)) {
        await hand(server, `xl create ${path}`);
        const act = one(
          '',
          'pause NAME',
          'vcpu-set NAME 1',
          'mem-set NAME 400',
          'network-detach NAME 0',
          'rename NAME NAME-x',
        );
        if (act !== '') await farm.sim.hand(server, ['xl', ...act.replaceAll('NAME', name).split(' ')]);
      }
      if (one(true, false)) await farm.sim.hand(server, ['ln', '-s', path, `/etc/xen/auto/${name}.cfg`]);
    }
    const path = join(farm.folder, 'all.yaml');
    const made = await reeve(['import', await file('servers.yaml', servers), '--out', path]);
    expect([0, 5]).toContain(made.code);
    const env = Object.fromEntries(
      names.map((n) => [`${n.toUpperCase().replaceAll('-', '_')}_VFB_PASSWORD`, 'hunter22']),
    );
    const done = await doneBy(path);
    expect(done).toMatchObject({ disruptions: ['none'], changes: [], refused: [] });
    expect(done.vms.filter((v) => !v.endsWith(' adopt'))).toEqual([]);
    expect(done.vms.length).toBeGreaterThan(2);
    const before = await domids();
    const applied = await reeve(['apply', '--yes', path], { env });
    expect([applied.code, applied.err]).toEqual([0, '']);
    expect(await domids()).toBe(before);
    const again = await reeve(['plan', '--detailed-exitcode', path], { env });
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('Nothing to do')]);
  });
});
