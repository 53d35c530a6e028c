/** A volume group, a template and an ISO from the web: a VM that boots from its copy, a disk grown, left, adopted and deleted; and what can go wrong. */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, disks, expectCode, expectSettled, flat } from './check.ts';
import { direct, guest, hand, here, openDesk, reset, until, type Desk, type VmYaml } from './farm.ts';
import { openWeb, type Web } from './web.ts';

let desk: Desk;
let web: Web;
/** A disk with GRUB, a kernel and an initrd, as qcow2. */
let template: Uint8Array;
const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const iso = new TextEncoder().encode('the bytes of an ISO'.repeat(5000));

const write = (vms: Readonly<Record<string, VmYaml>>, more: Partial<Parameters<Desk['write']>[0]> = {}): void =>
  desk.write({
    vms,
    repositories: { vg0: { type: 'lvm' } },
    templates: { boots: { source: web.url('boots.qcow2'), sha256: sumOf(template) } },
    ...more,
  });
const made: VmYaml = { disks: { xvda: { size: '48MiB', from: 'boots' } }, autostart: false };
const volumes = (): Promise<string> => hand(here, 'lvs --noheadings --units m -o lv_name,lv_size,lv_tags vg0');
const diskOf = async (name: string): Promise<string> => (await disks(here, name))[0]?.split(' ')[1] ?? '';
const bytesOf = (path: string): Promise<string> => hand(here, `sha256sum < ${path}`);

/** The lab's own bootable disk, brought here and made a qcow2 of. */
const fetchTemplate = async (): Promise<Uint8Array> => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-template-'));
  try {
    const raw = join(folder, 'disk.raw');
    writeFileSync(`${raw}.gz`, Buffer.from(await hand(here, `gzip -1 -c ${guest.bootDisk} | base64 -w 0`), 'base64'));
    execFileSync('gunzip', [`${raw}.gz`]);
    execFileSync('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', raw, join(folder, 'disk.qcow2')]);
    return readFileSync(join(folder, 'disk.qcow2'));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

beforeAll(async () => {
  await reset();
  desk = openDesk();
  web = await openWeb();
  template = await fetchTemplate();
  web.files.set('boots.qcow2', { bytes: template });
  web.files.set('cd.iso', { bytes: iso });
  // Old bytes, everywhere: nobody may ever see them.
  await hand(
    here,
    'yes old | dd of=/dev/vdb bs=1M count=192 iflag=fullblock status=none; pvcreate -q -y -ff /dev/vdb && vgcreate -q vg0 /dev/vdb',
  );
});
afterAll(async () => {
  desk?.close();
  await web?.close();
});

describe('what cannot be fetched', () => {
  it('is said, and nothing is made: not there, cut short, other bytes', async () => {
    web.files.set('boots.qcow2', { bytes: template, status: 404 });
    write({ web: made });
    expect(flat(await expectCode(desk, 7, 'apply', '--yes', '--allow', 'recreate=*'))).toMatch(/ERROR 404: Not Found/);
    web.files.set('boots.qcow2', { bytes: Uint8Array.from([...template.slice(0, -1), 1]) });
    const wrong = await expectCode(desk, 1, 'apply', '--yes');
    expect(wrong).toMatch(/did NOT match/);
    expect(await hand(here, 'ls /var/lib/reeve/images')).toBe('');
    expect(await volumes()).toBe('');
    web.files.set('boots.qcow2', { bytes: template, cutAfter: 1_000_000 });
    // Every try goes on where the last one broke off.
    expect(flat(await expectCode(desk, 1, 'apply', '--yes'))).toMatch(/wget/);
    expect(await volumes()).toBe('');
  });

  it('goes on where it broke off, even when the run that fetches it is killed', async () => {
    web.files.set('boots.qcow2', { bytes: template, pauseMs: 15_000 });
    web.answers.length = 0;
    write({ web: made });
    const run = desk.start(['apply', '--yes']);
    await until('the download goes on', async () => web.answers.length > 0);
    run.child.kill('SIGKILL');
    await run.ended;
    expect(web.answers).toEqual([{ name: 'boots.qcow2', status: 206, from: 5_000_000 }]);
    web.files.set('boots.qcow2', { bytes: template });
  });
});

describe('a volume group', () => {
  it('that is too small, or of another farm, takes nothing', async () => {
    write({ web: { ...made, disks: { xvda: { size: '20GiB' } } } });
    expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(/dom0[12] lacks \S+ in repository vg0/);
    // By the run before: ours.
    const ours = await hand(here, 'vgs --noheadings -o vg_tags vg0');
    expect(ours).toMatch(/^reeve\.store=lab\/vg0\/\S+$/);
    await hand(here, `vgchange -q --deltag ${ours} --addtag reeve.store=other/vg0/1 vg0`);
    write({ web: made });
    expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(/\/dev\/vg0 is repository vg0 of farm other/);
    await hand(here, `vgchange -q --addtag ${ours} --deltag reeve.store=other/vg0/1 vg0`);
  });
});

describe('a VM from a template', () => {
  it('boots from its copy, in a volume of its own', async () => {
    write({ web: made });
    await apply(desk);
    expect(await volumes()).toMatch(/web-xvda-[0-9a-f]{8} +48\.00m reeve\.disk=lab\/web\/\S+\/xvda$/);
    expect(await awake(here, 'web')).toMatch(/from=disk/);
    // Behind the template's end there is nothing, where old bytes were.
    expect(await hand(here, `tail -c 8388608 ${await diskOf('web')} | tr -d '\\0' | wc -c`)).toBe('0');
    await expectSettled(desk);
  });

  it('grows while it runs, and its guest knows', async () => {
    write({ web: { ...made, disks: { xvda: { size: '64MiB', from: 'boots' } } } });
    await apply(desk);
    expect(await volumes()).toMatch(/ 64\.00m /);
    expect(await hand(here, `tail -c 16777216 ${await diskOf('web')} | tr -d '\\0' | wc -c`)).toBe('0');
    await expectSettled(desk);
    const sectors = 'xenstore-read /local/domain/0/backend/vbd/$(xl domid web)/51712/sectors';
    // The backend tells at the next read or write.
    await until('the guest is told', async () => (await hand(here, sectors)) === String(64 * 2048), 120).catch(
      () => null,
    );
    write({ web: made });
    expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(/would shrink from 64MiB to 48MiB/);
  });
});

describe('a disk that its VM left', () => {
  let at = '';
  let before = '';
  it('stays, and is adopted by another VM with every byte', async () => {
    at = await diskOf('web');
    write({ web: { ...made, state: 'absent' } });
    await apply(desk, '--allow', 'stop=web');
    before = await bytesOf(at);
    expect(flat(await expectCode(desk, 0, 'status'))).toMatch(/1 disk that no VM has: web-xvda-/);
    await expectSettled(desk);
    // Somebody else's cfg has it: no word deletes it then.
    await hand(here, `printf 'name = "theirs"\\ndisk = [ "${at},raw,xvda,rw" ]\\n' > /etc/xen/theirs.cfg`);
    const file = at.slice('/dev/vg0/'.length);
    expect(flat(await expectCode(desk, 5, 'plan', '--delete-disks', file))).toMatch(/theirs on \S+ has it/);
    await hand(here, 'rm /etc/xen/theirs.cfg');
    write({ next: { ...made, disks: { xvda: { adopt: at, access: 'ro' } }, boot: direct } });
    await apply(desk);
    await awake(here, 'next');
    expect(await diskOf('next')).toBe(at);
    expect(await bytesOf(at)).toBe(before);
    expect(await volumes()).toMatch(/reeve\.disk=lab\/next\//);
    await expectSettled(desk);
  });

  it('never gives a new VM of the old name its bytes', async () => {
    write({
      next: { ...made, disks: { xvda: { adopt: at, access: 'ro' } }, boot: direct },
      web: { ...made, state: 'stopped' },
    });
    await apply(desk);
    const own = await hand(here, 'sed -n \'s/.*target=\\([^"]*\\)".*/\\1/p\' /etc/xen/web.cfg');
    expect(own).toMatch(/^\/dev\/vg0\/web-xvda-/);
    expect(own).not.toBe(at);
    expect(await bytesOf(at)).toBe(before);
  });

  it('goes only by name, and with its VM', async () => {
    write({ next: { ...made, state: 'absent', deleteDisks: true }, web: { ...made, state: 'absent' } });
    const said = await expectCode(desk, 0, 'plan', '--allow', 'stop=next');
    expect(flat(said)).toMatch(/next on \S+: shut down and delete; its disks go with it: THEIR BYTES ARE LOST/);
    await apply(desk, '--allow', 'stop=next');
    expect(await volumes()).toMatch(/^web-xvda-\S+ +48\.00m \S+$/);
    const [left = ''] = (await volumes()).split(' ');
    await apply(desk, '--delete-disks', left);
    expect(await volumes()).toBe('');
    await expectSettled(desk);
  });
});

describe('an ISO', () => {
  it('is fetched for the drive that wants it, and removed where nobody does', async () => {
    const isos = { cd: { source: web.url('cd.iso'), sha256: sumOf(iso) } };
    const win: VmYaml = {
      type: 'hvm',
      memory: '128MiB',
      state: 'stopped',
      disks: { xvda: { path: guest.haltDisk } },
      cdrom: { hdc: { iso: 'cd' } },
    };
    write({ win }, { isos });
    await apply(desk);
    const file = `/var/lib/reeve/images/cd-${sumOf(iso).slice(0, 8)}.iso`;
    expect(await bytesOf(file)).toMatch(sumOf(iso));
    expect(await hand(here, 'cat /etc/xen/win.cfg')).toContain(file);
    await expectSettled(desk);
    write({ win: { ...win, cdrom: { hdc: {} } } }, { isos: { cd: { ...isos.cd, state: 'absent' } } });
    expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(/win.*has it/);
    write({ win: { ...win, cdrom: { hdc: {} } } }, { isos });
    await apply(desk);
    write({ win: { ...win, cdrom: { hdc: {} } } }, { isos: { cd: { ...isos.cd, state: 'absent' } } });
    await apply(desk);
    expect(await hand(here, `ls ${file} 2> /dev/null || true`)).toBe('');
    await expectSettled(desk);
  });
});

describe('a disk that is to lie elsewhere', () => {
  const repositories = { own: { type: 'dir', path: '/srv/own' }, vg0: { type: 'lvm' } };
  // A name of its own: a console's log goes on through all lives of a name.
  const on = (repository: string): Record<string, VmYaml> => ({
    mover: { ...made, disks: { xvda: { repository, size: '48MiB', from: 'boots' } } },
  });
  it('is copied while its VM is down, compared, and removed from its old place', async () => {
    write(on('own'), { repositories });
    await apply(desk);
    await awake(here, 'mover');
    const old = await diskOf('mover');
    expect(old).toMatch(/^\/srv\/own\/disks\/mover-xvda-/);
    const before = await bytesOf(old);
    write(on('vg0'), { repositories });
    expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(/it is copied while the VM is down/);
    await apply(desk, '--allow', 'restart=mover');
    // While it boots it may crash and begin anew, and has no disk for that moment.
    expect(await awake(here, 'mover', 2)).toMatch(/from=disk/);
    const now = await diskOf('mover');
    expect(now).toMatch(/^\/dev\/vg0\/mover-xvda-/);
    expect(await bytesOf(now)).toBe(before);
    expect(await hand(here, 'ls /srv/own/disks')).toBe('');
    await expectSettled(desk);
  });
});
