/** Reading cannot change a dom0, and neither can a user who may only read; a user who is not root applies through the gate. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, domidOf, expectCode, expectSettled, flat } from './check.ts';
import { direct, guest, hand, here, openDesk, reset, ssh, type Desk, type VmYaml } from './farm.ts';

let desk: Desk;
const web: VmYaml = {
  boot: direct,
  disks: { xvda: { path: guest.disk(1) }, xvdb: { size: '16MiB' } },
  networks: ['lan'],
};
const write = (vms: Readonly<Record<string, VmYaml>>): void =>
  desk.write({ vms, repositories: { vg0: { type: 'lvm' } } });

beforeAll(async () => {
  await reset();
  desk = openDesk();
  await hand(here, 'pvcreate -q -y -ff /dev/vdb && vgcreate -q vg0 /dev/vdb');
  write({ web, db: { boot: direct, state: 'stopped' } });
  await apply(desk);
});
afterAll(() => desk?.close());

/**
 * Every file of the dom0 with its size, mode, owner and times of change, and all of xenstore. Left out is what logging in itself
 * writes, and what the kernel makes up.
 */
const everything = (): Promise<string> =>
  hand(
    here,
    `find / -xdev \\( -path /var/log -o -path /var/lib/systemd -o -path /tmp -o -path /root/.ash_history \\) -prune -o -printf '%p %y %s %m %U:%G %C@\\n' | sort
     find /run/reeve /etc/reeve /srv -printf '%p %y %s %m %C@\\n' 2> /dev/null | sort
     vgs -o vg_uuid,vg_seqno,vg_tags --noheadings; lvs -a -o lv_name,lv_tags,lv_active --noheadings
     xl list | awk '{ print $1, $2, $3, $4 }'; xenstore-ls -fp / | grep -v '/memory/meminfo\\|/data/\\|/device-misc/'`,
  );

describe('reading', () => {
  it.each([
    ['plan', '--detailed-exitcode'],
    ['plan', '--json', '--out', 'plan.json'],
    ['drift'],
    ['status'],
    ['explain', 'web'],
    ['snapshot', '--out', 'farm.snap'],
  ])('by `%s` changes nothing', async (...args) => {
    const before = await everything();
    await expectCode(desk, 0, ...args);
    expect(await everything()).toBe(before);
  });
});

describe('a user who is not root', () => {
  const example = (name: string): string => join(import.meta.dirname, '../../examples/least-privilege', name);
  const as = (user: string): void => {
    const config = join(desk.cwd, '../.ssh/config');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll(/User \S+/g, `User ${user}`));
  };

  beforeAll(async () => {
    for (const name of ['reeve-gate', 'sudoers', 'texts.sha256'])
      await hand(here, `cat > /root/${name}`, readFileSync(example(name)));
    const install = /```sh\n([\s\S]*?)```/.exec(readFileSync(example('README.md'), 'utf8'))?.[1] ?? '';
    await hand(here, `cd /root && set -e\n${install}`);
    const key = await hand(here, `grep -m1 . /root/.ssh/authorized_keys`);
    for (const user of ['reeve', 'reeve-plan'])
      await hand(
        here,
        `install -d -m 700 -o ${user} /home/${user}/.ssh && echo 'restrict ${key}' > /home/${user}/.ssh/authorized_keys && chown -R ${user} /home/${user}/.ssh`,
      );
  });

  it('plans, and cannot apply, with the reading list', async () => {
    as('reeve-plan');
    await expectSettled(desk);
    await expectCode(desk, 0, 'drift');
    await expectCode(desk, 0, 'status');
    write({ web, db: { boot: direct, state: 'running' } });
    await expectCode(desk, 2, 'plan', '--detailed-exitcode');
    const ran = await desk.reeve(['apply', '--yes']);
    expect(ran.code).not.toBe(0);
    expect(flat(ran.stdout + ran.stderr)).toMatch(/reeve-gate|is not in/);
    expect(await domidOf(here, 'db')).toBeNull();
  });

  it('applies with the whole list', async () => {
    as('reeve');
    await apply(desk);
    await expectSettled(desk);
    expect(await domidOf(here, 'db')).not.toBeNull();
    write({ web, db: { boot: direct, state: 'absent' } });
    await apply(desk, '--allow', 'stop=db');
    await expectSettled(desk);
  });

  it.each(['reeve', 'reeve-plan'])('%s can do nothing else as root', async (user) => {
    for (const command of [
      'sudo -n id',
      'sudo -n /bin/sh -c id x',
      'sudo -n sh -c id reeve-observe',
      'sudo -n cat /etc/shadow',
    ]) {
      const quoted = command.replaceAll("'", String.raw`'\''`);
      const ran = await ssh(here, `su ${user} -s /bin/sh -c '${quoted}'`);
      expect([command, ran.code === 0, ran.stdout]).toEqual([command, false, '']);
    }
  });
});
