/**
 * Runs that break in the middle of a step, on a real dom0: Reeve killed, its SSH session killed, the network cut without a word, the
 * operation's wrapper killed; a full disk, a clock that is wrong, a xenstored that does not answer. Nothing is lost, nothing is made
 * twice, and the next run gets there.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catchStep, killSession, killWrapper, letGo, letGoLater, trap } from './caught.ts';
import { apply, awake, disks, domidOf, expectCode, expectSettled, flat } from './check.ts';
import { direct, door, guest, hand, here, openDesk, reset, until, type Desk, type VmYaml } from './farm.ts';
import { openWeb, type Web } from './web.ts';

let desk: Desk;
let web: Web;
const template = new TextEncoder().encode('sixteen bytes...'.repeat(1 << 18));
const sum = createHash('sha256').update(template).digest('hex');

const write = (vms: Readonly<Record<string, VmYaml>>): void =>
  desk.write({
    vms,
    repositories: { own: { type: 'dir', path: '/srv/own' } },
    templates: { data: { source: web.url('data.raw'), sha256: sum } },
  });
/** A VM whose disk is a file that exists, and one whose disk is copied from a template. */
const created: VmYaml = { boot: direct, disks: { xvda: { path: guest.disk(1) } }, networks: ['lan'] };
const copied: VmYaml = { boot: direct, disks: { xvda: { size: '8MiB', from: 'data' } } };

beforeAll(async () => {
  web = await openWeb();
  web.files.set('data.raw', { bytes: template });
});
afterAll(async () => {
  desk?.close();
  await web?.close();
});

const begin = async (): Promise<void> => {
  await reset();
  desk?.close();
  desk = openDesk();
};

/** What the VM's disk holds, and what else lies beside it. */
const copy = async (): Promise<string> => {
  const path = (await disks(here, 'web'))[0]?.split(' ')[1] ?? '';
  return hand(
    here,
    `head -c ${template.length} ${path} | sha256sum; ls -A /srv/own/disks | grep -v '^web-[^.]*[.]raw\\([.]reeve[.]json\\)*$' || true`,
  );
};

const steps = [
  {
    name: 'create',
    vm: created,
    ready: async () => () => catchStep(here, '^/usr/lib/xen[^ ]*/bin/[x]l create .*web'),
    gone: {},
    look: async () => '',
    whole: '',
  },
  {
    name: 'copy',
    vm: copied,
    ready: () => trap(here, '/usr/bin/cp', '--reflink=auto'),
    gone: { deleteDisks: true },
    look: copy,
    whole: `${sum}  -`,
  },
] as const;

const faults = [
  {
    name: 'Reeve is killed',
    strike: async (run: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      run.child.kill('SIGKILL');
      await run.ended;
      await letGo(here, pid);
    },
  },
  {
    name: 'its SSH session is killed',
    strike: async (_: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      await killSession(here);
      await letGo(here, pid);
    },
  },
  {
    name: 'the network is cut, without a reset',
    strike: async (_: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      await letGoLater(here, pid, 20);
      await door(here, false);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      await door(here, true);
    },
  },
  {
    name: 'the wrapper of the operation is killed',
    strike: async (_: ReturnType<Desk['start']>, pid: string): Promise<void> => {
      // Once its group has lost its parent, the kernel hangs up on what stands still in it.
      await letGo(here, pid);
      await killWrapper(here);
    },
  },
];

describe.each(steps)('during $name', ({ vm, ready, gone, look, whole }) => {
  beforeAll(begin);

  it.each(faults)('$name: the next run gets there, once', async ({ strike }) => {
    write({ web: vm });
    const caught = await ready();
    const run = desk.start(['apply', '--yes']);
    await strike(run, await caught());
    await run.ended;
    await apply(desk);
    await expectSettled(desk);
    expect(await hand(here, "xl list | grep -c '^web '")).toBe('1');
    expect(await awake(here, 'web')).toMatch(/guest up/);
    expect(await look()).toBe(whole);
    write({ web: { ...vm, state: 'absent', ...gone } });
    await apply(desk, '--allow', 'stop=*');
    await expectSettled(desk);
    expect(await domidOf(here, 'web')).toBeNull();
  });
});

describe('a dom0', () => {
  beforeAll(begin);

  it('whose disk is full keeps what it had, and says so', async () => {
    write({ web: copied });
    await apply(desk);
    const before = await hand(here, 'ls -lR --time-style=full-iso /etc/xen /srv/own /etc/reeve /etc/fstab');
    await hand(here, 'fallocate -l "$(($(stat -f -c "%a * %S" /)))" /filler; cat /dev/zero > /filler2; true');
    write({ web: copied, db: created });
    const said = flat(await expectCode(desk, 1, 'apply', '--yes'));
    expect(said).toMatch(/No space left on device|space/i);
    expect(await domidOf(here, 'db')).toBeNull();
    await hand(here, 'rm /filler /filler2');
    expect(await hand(here, 'ls -lR --time-style=full-iso /etc/xen /srv/own /etc/reeve /etc/fstab')).toBe(before);
    await apply(desk);
    await expectSettled(desk);
  });

  it.each(['+1 hour', '-2 hours'])('whose clock goes wrong by %s does as it is told', async (step) => {
    await hand(here, `date -s '${step}'`);
    write({ web: { ...copied, vcpus: { count: 1, max: 2 } }, db: { ...created, memory: '160MiB' } });
    await apply(desk, '--allow', 'restart=*');
    await expectSettled(desk);
    write({ web: copied, db: created });
    await apply(desk, '--allow', 'restart=*');
    expect(await expectSettled(desk)).toMatch(/Nothing to do/);
  });

  it('whose xenstored does not answer is not read, and left alone', async () => {
    await hand(here, 'pkill -STOP xenstored');
    const said = flat(await expectCode(desk, 4, 'plan'));
    expect(said).toMatch(/dom0\d/);
    await expectCode(desk, 4, 'apply', '--yes');
    await hand(here, 'pkill -CONT xenstored');
    await until('it answers', async () => (await desk.reeve(['plan', '--detailed-exitcode'])).code === 0);
    await expectSettled(desk);
  });
});
