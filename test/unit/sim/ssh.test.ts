/** The simulated farm through a real SSH client: the five texts, the locks, the faults, what is counted. */
import type { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { ask, connect, dir, exec, hold, letGo, sha256, start, type Answer } from './client.ts';
import { cfg } from './farm.ts';
import { makeKey } from '../../../src/sim/key.ts';

describe('reading', () => {
  it('frames every section with the nonce and counts one connection and one command', async () => {
    const farm = await start();
    farm.files('dom01').write('/etc/xen/a.cfg', cfg('a'));
    await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
    const client = await connect(farm);
    const { rc, out } = await ask(client, 'observe', ['0123456789abcdef', 'all', '/srv/vmlinuz', "/srv/it's"]);
    expect(rc).toBe(0);
    expect(
      [...out.matchAll(/\n@0123456789abcdef (\/?[\w-]+)(?: (\d+))?\n/g)].map((m) => `${m[1]} ${m[2] ?? ''}`.trim()),
    ).toEqual([
      'host',
      '/host 0',
      'xl-info',
      '/xl-info 0',
      'xl-list',
      '/xl-list 0',
      'xl-vcpus',
      '/xl-vcpus 0',
      'xl-sched',
      '/xl-sched 0',
      'xl-credit',
      '/xl-credit 0',
      'xs',
      '/xs 0',
      'files',
      '/files 2',
      'saved',
      '/saved 0',
      'link',
      '/link 0',
      'ps',
      '/ps 0',
      'ovs',
      '/ovs 127',
      'qemu',
      '/qemu 0',
      'mounts',
      '/mounts 0',
      'paths',
      '/paths 0',
      'END',
    ]);
    expect(out).toContain("0 there /srv/vmlinuz\n0 missing /srv/it's\n");
    expect(farm.counts.get('dom01')).toEqual({
      connections: 1,
      commands: { observe: 1, hold: 0, op: 0, wait: 0, write: 0 },
    });
  });
  it('ends after xl info where there is no Xen', async () => {
    const farm = await start();
    farm.faults('dom01').noXen(true);
    const { out } = await ask(await connect(farm), 'observe', ['n', 'all']);
    expect(out).toContain(
      "\n@n xl-info\nERROR:  Can't find hypervisor information in sysfs!\n\n@n /xl-info 1\n\n@n END\n",
    );
    expect(out).not.toContain('xl-list');
  });
  it('needs root or sudo', async () => {
    const farm = await start();
    const client = await connect(farm, { username: 'op' });
    expect((await ask(client, 'observe', ['n', 'all'])).out).toContain('Permission denied');
    expect((await ask(client, 'observe', ['n', 'all'], '', 'sudo -n ')).out).toContain('free_memory');
    farm.faults('dom01').noSudo(true);
    expect(await ask(client, 'observe', ['n', 'all'], '', 'sudo -n ')).toMatchObject({
      rc: 1,
      err: 'sudo: a password is required\n',
    });
  });
  it('tries xl list again, each time in a section of its own', async () => {
    const farm = await start();
    farm.faults('dom01').flakyLists(2);
    const { out } = await ask(await connect(farm), 'observe', ['n', 'domains']);
    expect(out.match(/@n \/xl-list \d/g)).toEqual(['@n /xl-list 1', '@n /xl-list 1', '@n /xl-list 0']);
  });
  it('knows no other command', async () => {
    const farm = await start();
    const { answer } = await exec(await connect(farm), 'xl list');
    expect((await answer).rc).toBe(127);
  });
});

describe('who may log in', () => {
  it('refuses another key', async () => {
    const farm = await start();
    const other = makeKey().private;
    await expect(connect(farm, { privateKey: other })).rejects.toThrow('authentication');
  });
  it('refuses connections while it is told to, and takes them again', async () => {
    const farm = await start();
    await farm.faults('dom01').refuse(true);
    await expect(connect(farm)).rejects.toThrow('ECONNREFUSED');
    await farm.faults('dom01').refuse(false);
    expect((await ask(await connect(farm), 'observe', ['n', 'domains'])).rc).toBe(0);
  });
});

describe('locks and operations', () => {
  it('has one holder, and says who it is', async () => {
    const farm = await start();
    const first = await hold(await connect(farm), 'e1');
    const second = await connect(farm);
    expect(await ask(second, 'hold', [dir, 'e2', '30', '{}'])).toMatchObject({ rc: 73, out: 'HELD\n{"who":"e1"}\n' });
    await letGo(first);
    expect((await letGo(await hold(second, 'e2'))).out).toBe('OK\n');
  });
  it('lets go when the holder falls silent', async () => {
    const farm = await start();
    const { answer } = await hold(await connect(farm), 'e1', '0.05');
    expect(await answer).toEqual({ rc: 0, out: 'OK\n', err: '' });
  });
  it('starts an operation once, gives its result to whoever waits, and fences other epochs', async () => {
    const farm = await start();
    const client = await connect(farm);
    await hold(client, 'e1');
    expect(await ask(client, 'op', [dir, 'e1', 'o1', '60', 'xl', 'list', 'nosuch'])).toMatchObject({
      rc: 0,
      out: 'STARTED\n',
    });
    expect((await ask(client, 'op', [dir, 'e1', 'o1', '60', 'xl', 'list', 'nosuch'])).out).toBe('ALREADY\n');
    expect((await ask(client, 'wait', [dir, 'o1'])).out).toBe(
      'RC 1 0 47\nnosuch is an invalid domain identifier (rc=-6)\n',
    );
    expect((await ask(client, 'wait', [dir, 'o2'])).out).toBe('NEVER\n');
    expect(await ask(client, 'op', [dir, 'e0', 'o3', '60', 'true'])).toMatchObject({ rc: 75, out: 'FENCED\n' });
  });
  it('ends an operation at its deadline with 124', async () => {
    const farm = await start();
    const client = await connect(farm);
    await hold(client, 'e1');
    await ask(client, 'op', [dir, 'e1', 'o', '5', 'sleep', '60']);
    expect((await ask(client, 'wait', [dir, 'o'])).out).toBe('RC 124 0 0\n');
  });
  it('loses an operation whose wrapper is killed', async () => {
    const farm = await start();
    const client = await connect(farm);
    await hold(client, 'e1');
    await ask(client, 'op', [dir, 'e1', 'o', '5', 'sleep', '60']);
    farm.faults('dom01').killOperations();
    expect((await ask(client, 'wait', [dir, 'o'])).out).toBe('LOST\n');
  });
  it('lets a new holder wait for what runs, and fences what comes late', async () => {
    const farm = await start();
    const client = await connect(farm);
    const first = await hold(client, 'e1');
    await ask(client, 'op', [dir, 'e1', 'o', '5', 'sleep', '3']);
    await letGo(first);
    const { answer, channel, said } = await hold(client, 'e2');
    expect((await ask(client, 'op', [dir, 'e1', 'late', '5', 'true'])).out).toBe('FENCED\n');
    expect((await ask(client, 'wait', [dir, 'o'])).out).toBe('RC 0 0 0\n');
    channel.write('beat\n');
    await said('OK\n');
    channel.end();
    expect((await answer).out).toBe('BUSY\nOK\n');
    expect((await ask(client, 'wait', [dir, 'o'])).out).toBe('NEVER\n');
  });
  it('gives a lost hold back only to its own epoch', async () => {
    const farm = await start();
    const client = await connect(farm);
    const first = await hold(client, 'e1');
    await letGo(first);
    expect((await ask(client, 'hold', [dir, 'e0', '30', '{}', 'again'])).out).toBe('FENCED\n{"who":"e1"}\n');
    expect((await letGo(await hold(client, 'e1', '30', 'again'))).out).toBe('OK\n');
  });
});

describe('files', () => {
  const put = (client: Client, text: string, onlyIf: string, path = '/etc/xen/a.cfg'): Promise<Answer> =>
    ask(client, 'write', [dir, 'e1', 'write', path, '600'], `${onlyIf} ${sha256(text)}\n${text}`);

  it('are written and removed only where they are what was expected', async () => {
    const farm = await start();
    const client = await connect(farm);
    expect((await put(client, 'one', 'absent')).out).toBe('FENCED\n');
    await hold(client, 'e1');
    expect((await put(client, 'one', 'absent')).out).toBe('DONE\n');
    expect((await put(client, 'one', 'absent')).out).toBe('DONE\n');
    expect((await put(client, 'two', 'absent')).out).toBe('DIFFERS\n');
    expect((await put(client, 'two', sha256('one'))).out).toBe('DONE\n');
    expect(farm.files('dom01').read('/etc/xen/a.cfg')).toBe('two');
    const remove = (onlyIf: string): Promise<Answer> =>
      ask(client, 'write', [dir, 'e1', 'remove', '/etc/xen/a.cfg'], `${onlyIf}\n`);
    expect((await remove(sha256('one'))).out).toBe('DIFFERS\n');
    expect((await remove('any')).out).toBe('DONE\n');
    expect((await remove('any')).out).toBe('DONE\n');
  });
  it('say why they cannot be written', async () => {
    const farm = await start();
    const client = await connect(farm);
    await hold(client, 'e1');
    farm.faults('dom01').readOnly('/etc/xen');
    expect(await put(client, 'x', 'absent')).toMatchObject({
      rc: 74,
      out: 'FAILED cannot write /etc/xen/a.cfg: Read-only file system\n',
    });
    await farm.faults('dom01').clear();
    farm.faults('dom01').fullDisk(true);
    expect((await put(client, 'x', 'absent')).out).toContain('No space left on device');
    farm.faults('dom01').fullDisk(false);
    expect((await put(client, 'x', 'absent', '/none/a')).out).toBe(
      'FAILED cannot write /none/a: there is no folder /none\n',
    );
    expect(
      (await ask(client, 'write', [dir, 'e1', 'write', '/tmp/x', '600'], `any ${sha256('long')}\nlon`)).out,
    ).toContain('the bytes did not arrive whole');
  });
});

describe('a connection that is lost', () => {
  it('after some bytes of the answer: just these arrive, and no exit code', async () => {
    const farm = await start();
    farm.faults('dom01').cut({ what: 'observe', after: 100 });
    const client = await connect(farm);
    client.on('error', () => {});
    const { rc, out } = await ask(client, 'observe', ['n', 'all']);
    expect(rc).toBe(null);
    expect(out).toHaveLength(100);
  });
  it('before the request is carried out, or after it: only then is it done', async () => {
    const farm = await start();
    const one = await connect(farm);
    await hold(one, 'e1');
    for (const [after, done] of [
      ['request', 'NEVER\n'],
      [0, 'RC 0 0 0\n'],
    ] as const) {
      farm.faults('dom01').cut({ what: 'op', after });
      const other = await connect(farm);
      other.on('error', () => {});
      expect(await ask(other, 'op', [dir, 'e1', `o-${after}`, '5', 'true'])).toMatchObject({ rc: null, out: '' });
      expect((await ask(one, 'wait', [dir, `o-${after}`])).out).toBe(done);
    }
  });
});

describe('a console', () => {
  it('greets, echoes, and ends at Ctrl-]', async () => {
    const farm = await start();
    farm.files('dom01').write('/etc/xen/a.cfg', cfg('a'));
    await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
    const client = await connect(farm);
    const line = (name: string): string => `exec sh -c '# console' reeve-console 'xl' 'console' '${name}'`;
    const { channel, answer, said } = await exec(client, line('a'));
    await said('a login: ');
    channel.write('root\u001dlost');
    expect(await answer).toMatchObject({ rc: 0, out: '\r\na login: root' });
    const none = await exec(client, line('b'));
    expect(await none.answer).toMatchObject({ rc: 1, out: 'b is an invalid domain identifier (rc=-6)\r\n' });
  });
});

describe('a farm', () => {
  it('is the same for the same seed', async () => {
    const boot = async (): Promise<string> => {
      const farm = await start(['dom01', 'dom02']);
      for (const name of ['dom01', 'dom02']) {
        farm.files(name).write('/etc/xen/a.cfg', cfg('a', { uuid: null }));
        await farm.hand(name, ['xl', 'create', '-q', '/etc/xen/a.cfg']);
        await farm.settle();
      }
      const out = (await farm.hand('dom02', ['xl', 'list', '-v'])).out;
      await farm.close();
      return out;
    };
    expect(await boot()).toBe(await boot());
  });
  it('has guests that reboot by themselves, and real delays where they are asked for', async () => {
    const farm = await start(['dom01'], 200);
    farm.files('dom01').write('/etc/xen/a.cfg', cfg('a'));
    await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
    farm.guest('dom01', 'a').reboot();
    await farm.settle();
    expect((await farm.hand('dom01', ['xl', 'list', 'a'])).out).toMatch(/^a +2 /m);
    expect(() => farm.guest('dom01', 'b').crash()).toThrow('no guest b runs on dom01');
  });
});
