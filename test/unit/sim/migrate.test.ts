/** `xl migrate` between simulated dom0s: messages, exit codes and what is left at both ends, as seen on Xen 4.17. */
import { describe, expect, it } from 'vitest';
import { processes } from '../../../src/sim/print-host.ts';
import { xenstore } from '../../../src/sim/print-xenstore.ts';
import { freeKiB } from '../../../src/sim/world.ts';
import { parseMonitors } from '../../../src/toolstacks/xl/read/monitors.ts';
import { start } from './client.ts';
import { bench, cfg } from './farm.ts';
import {
  key,
  hosts,
  ssh,
  pair,
  migrate,
  settle,
  names,
  only,
  monitors,
  ended,
  flat,
  during,
  watch,
  created,
  received,
} from './pair.ts';

describe('a migration that succeeds', () => {
  it('says so on standard error, line by line', async () => {
    expect(await migrate(await pair())).toEqual({
      rc: 0,
      out: '',
      err:
        'migration target: Ready to receive domain.\nSaving to migration stream new xl format (info 0x3/0x0/1220)\n' +
        'Loading new save file <incoming migration stream> (new xl fmt info 0x3/0x0/1220)\n Savefile contains xl domain config in JSON format\n' +
        'Parsing config from <saved>\nxc: info: Saving domain 1, type x86 HVM\nxc: info: Found x86 HVM domain from Xen 4.17\n' +
        'xc: info: Restoring domain\nxc: info: Restore successful\nxc: info: XenStore: mfn 0xfeffc, dom 0, evt 1\n' +
        'xc: info: Console: mfn 0xfefff, dom 0, evt 2\nmigration sender: Target has acknowledged transfer.\n' +
        'migration target: Transfer complete, requesting permission to start domain.\nmigration sender: Giving target permission to start.\n' +
        'migration target: Got permission, starting domain.\nmigration target: Domain started successsfully.\n' +
        'migration sender: Target reports successful startup.\nMigration successful.\n',
    });
  });
  it('shows its names and states at both ends on the way', async () => {
    expect(await watch(await pair())).toEqual([
      'a runs | ',
      'a runs | a--incoming paused',
      'a suspended | a--incoming paused',
      'a--migratedaway suspended | a--incoming paused',
      'a--migratedaway suspended | a runs',
      'null suspended | a runs',
      ' | a runs',
    ]);
  });
  it('lists it as xl does', async () => {
    const p = await pair();
    const seen = new Set<string>();
    await during(p, migrate(p), async () => {
      const row = (await p.from.run('xl list')).out.split('\n')[2] ?? '';
      seen.add(
        row
          .split(/\s+/)
          .filter((_w, n) => n === 0 || n === 4)
          .join(' '),
      );
    });
    expect([...seen].filter((s) => s.includes('ss-'))).toEqual([
      'a ---ss-',
      'a--migratedaway ---ss-',
      'a--migratedaway --pss-',
      '(null) --pss-',
    ]);
  });
  it('takes the live settings along, but not the affinity and not a pending config-update', async () => {
    const p = await pair({ vcpus: '2' });
    await p.from.run('xl sched-credit2 -d a -w 512 -c 50');
    await p.from.run('xl vcpu-pin a 0 1 0');
    await p.from.run('xl mem-set a 112m');
    await p.from.run('xl vcpu-set a 1');
    await p.from.run('xl config-update a /etc/xen/a.cfg');
    await settle(p);
    await migrate(p);
    await settle(p);
    expect(only(p.to)).toMatchObject({
      name: 'a',
      uuid: '5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001',
      weight: 512,
      cap: 50,
      targetKiB: 112 * 1024,
      actualKiB: 112 * 1024,
      maxKiB: 160 * 1024,
      onlineVcpus: 1,
      hard: [
        [0, 1, 2, 3],
        [0, 1, 2, 3],
      ],
      booted: true,
      disks: [{ vdev: 'xvda', back: 4, front: 4 }],
      nics: [{ mac: '02:16:3e:00:00:aa', master: 'xenbr0', back: 4 }],
    });
    expect(p.to.world.files.list('/var/lib/xen').filter((n) => n.endsWith('.xl'))).toEqual([]);
    const record = p.to.world.files.text('/var/lib/xen/userdata-d.1.5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001.libxl-json');
    expect(record).toContain('"name": "a--incoming"');
    expect(record).toContain('"target_memkb": 114688');
    expect(record).toContain('"avail_vcpus": [\n            0\n        ]');
    expect(record).toContain('"weight": 512,\n            "cap": 50');
    expect(xenstore(p.to.world)).toContain('/local/domain/1/control/feature-poweroff = ""\n');
  });
  it('takes its memory bit by bit there, and gives it back here', async () => {
    const p = await pair();
    const [here, there] = [freeKiB(p.from.world), freeKiB(p.to.world)];
    const taken = new Set<number>();
    await during(p, migrate(p), () => taken.add(there - freeKiB(p.to.world)));
    expect(taken.size).toBeGreaterThan(6);
    expect(freeKiB(p.from.world) - here).toBe(there - freeKiB(p.to.world));
    expect(names(p.from)).toEqual([]);
  });
  it('is watched there by a daemon that does not say whom, and which starts it again', async () => {
    const p = await pair();
    p.to.world.nextDomid = 7;
    await migrate(p);
    expect([monitors(p.from), monitors(p.to)]).toEqual([[], [received]]);
    expect(parseMonitors(processes(p.to.world), ['/etc/xen/a.cfg'])).toEqual({
      paths: [],
      strays: 1,
    });
    expect(only(p.to)?.domid).toBe(7);
    await p.to.run('xl reboot a');
    await p.to.settle();
    expect(only(p.to)).toMatchObject({ domid: 8, name: 'a', booted: true });
    expect(
      p.to.world.files.text('/var/lib/xen/userdata-d.8.5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001.libxl-json'),
    ).toContain('"name": "a"');
    expect(xenstore(p.to.world)).toContain('/local/domain/8/control/feature-poweroff = "1"\n');
  });
});

describe('a migration that does not get there', () => {
  const lost =
    'libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading banner from migration receiver stream\n' +
    `libxl: info: libxl_exec.c:117:libxl_report_child_exitstatus: ${ended(255)}`;
  it.each([
    [
      'the key is not let in',
      '',
      '/root/.ssh/other',
      'reeve-dom02',
      '10.77.0.2',
      'root@10.77.0.2: Permission denied (publickey).\n',
    ],
    [
      'the host key is unknown',
      '',
      key,
      'reeve-dom03',
      '10.77.0.2',
      'No ED25519 host key is known for reeve-dom03 and you have requested strict checking.\nHost key verification failed.\n',
    ],
    [
      'nobody has the address',
      '',
      key,
      'reeve-dom02',
      '10.77.0.9',
      'ssh: connect to host 10.77.0.9 port 22: No route to host\n',
    ],
    [
      'nobody has the name',
      '',
      key,
      'reeve-dom02',
      'nosuch',
      'ssh: Could not resolve hostname nosuch: Name or service not known\n',
    ],
    [
      'nothing listens',
      ' -p 2222',
      key,
      'reeve-dom02',
      '10.77.0.2',
      'ssh: connect to host 10.77.0.2 port 2222: Connection refused\n',
    ],
  ])('%s', async (_what, more, identity, alias, host, words) => {
    const p = await pair();
    await p.from.run('ssh-keygen -q -t ed25519 -N  -C x -f /root/.ssh/other');
    const { rc, out, err } = await migrate(p, ssh(more, identity, alias), host);
    expect({ rc, out, err: flat(err) }).toEqual({ rc: 1, out: '', err: words + lost });
    expect([names(p.from), names(p.to), monitors(p.from)]).toEqual([['a'], [], [created]]);
    expect(only(p.from)).toMatchObject({ ended: null, booted: true });
  });
  it('its target has another host key, or refuses, or its key file is not there', async () => {
    const p = await pair();
    p.from.put(hosts, `reeve-dom02 ssh-ed25519 AAAAother\n`);
    expect((await migrate(p)).err).toContain(
      'Host key for reeve-dom02 has changed and you have requested strict checking.\n',
    );
    p.answers = false;
    expect((await migrate(p)).err).toContain('port 22: Connection refused\n');
    const q = await pair();
    const missing = await migrate(q, ssh('', '/root/.ssh/none'));
    expect(missing.err).toContain(
      'Warning: Identity file /root/.ssh/none not accessible: No such file or directory.\nroot@10.77.0.2: Permission denied',
    );
    // Where root's own key opens the target, ssh takes that one [L].
    q.from.world.trusting = true;
    expect((await migrate(q, ssh('', '/root/.ssh/none'))).rc).toBe(0);
  });
  it('without -s only where dom0s trust each other', async () => {
    const p = await pair();
    expect((await p.from.run('xl migrate a dom02')).rc).toBe(1);
    p.from.world.trusting = true;
    expect((await p.from.run('xl migrate a dom02')).rc).toBe(0);
  });
  it.each([
    ['xl migrate a', 2, "'xl migrate' requires at least 2 arguments.\n"],
    ['xl migrate nosuch dom02', 1, 'nosuch is an invalid domain identifier (rc=-6)\n'],
    ['xl migrate 77 dom02', 1, 'unable to retrieve domain configuration\n'],
  ])('%s', async (line, rc, words) => {
    const result = await (await pair()).from.run(line);
    expect(result.rc).toBe(rc);
    expect(result.err).toContain(words);
  });
});

describe('ssh-keygen', () => {
  it('makes keys that differ, and overwrites none', async () => {
    const b = bench();
    const make = (path: string) => b.argv(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'x', '-f', path]);
    expect([(await make('/root/.ssh/one')).rc, (await make('/root/.ssh/two')).rc]).toEqual([0, 0]);
    const [one, two] = ['one', 'two'].map((n) => b.world.files.text(`/root/.ssh/${n}.pub`));
    expect(one).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43} x\n$/);
    expect(one).not.toBe(two);
    expect(b.world.files.get('/root/.ssh/one')).toMatchObject({ mode: 0o600 });
    expect((await make('/root/.ssh/one')).rc).toBe(1);
    expect((await make('/none/one')).rc).toBe(1);
  });
});

describe('a whole farm', () => {
  it('lets its dom0s reach each other, by the host keys that their sshd shows', async () => {
    const farm = await start(['dom01', 'dom02']);
    for (const [i, server] of farm.servers.entries())
      expect(
        farm
          .files(`dom0${i + 1}`)
          .read('/etc/ssh/ssh_host_ed25519_key.pub')
          ?.split(' ')[1],
      ).toBe(server.hostKeyLine.split(' ')[2]);
    farm.files('dom01').write('/etc/xen/a.cfg', cfg('a'));
    await farm.hand('dom01', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
    await farm.settle();
    await farm.hand('dom01', ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'reeve', '-f', key]);
    farm.files('dom02').write('/root/.ssh/authorized_keys', farm.files('dom01').read(`${key}.pub`) ?? '');
    const line = farm.files('dom02').read('/etc/ssh/ssh_host_ed25519_key.pub') ?? '';
    farm.files('dom01').write('/root/hosts', `reeve-dom02 ${line}`);
    const go = () => farm.hand('dom01', ['xl', 'migrate', '-s', ssh().replace(hosts, '/root/hosts'), 'a', 'dom02']);
    await farm.faults('dom02').refuse(true);
    expect((await go()).err).toContain('Connection refused');
    await farm.faults('dom02').refuse(false);
    farm.faults('dom02').migration('fails-at-target');
    expect((await go()).rc).toBe(1);
    await farm.faults('dom02').clear();
    expect((await go()).rc).toBe(0);
    await farm.settle();
    expect((await farm.hand('dom02', ['xl', 'list', 'a'])).rc).toBe(0);
    expect((await farm.hand('dom01', ['xl', 'list', 'a'])).rc).toBe(1);
  });
});
