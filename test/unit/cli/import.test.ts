/** `reeve import --cfg`: files of all kinds → a file that is right, and what could not be said in it. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { load } from '../config/load.ts';
import { fakeShell } from './shell.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const f of folders.splice(0)) await rm(f, { recursive: true });
});

const folderOf = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-import-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
};

const importing = async (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> => {
  const heard = fakeShell();
  const code = await run(['import', ...args], heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};

const web = `name = "web"
uuid = "0a1b2c3d-0000-4000-8000-000000000001"
type = "pvh"
kernel = "/boot/vmlinuz"
extra = "root=/dev/xvda ro"
memory = 1024
maxmem = 2048
vcpus = 2
disk = [ "phy:/dev/vg0/web,xvda,w", "/srv/images/data.qcow2,qcow2,xvdb,r" ]
vif = [ "mac=00:16:3E:00:00:01,bridge=xenbr0,rate=10Mb/s", "mac=00:16:3e:00:00:02,bridge=ovs0.20,script=vif-openvswitch" ]
cpus = "0-3"
cpu_weight = 512
on_crash = "restart"
`;

const win = `name = "win"
builder = "hvm"
memory = 4096
disk = [ "/dev/vg0/win,raw,xvda,rw", "/srv/iso/win.iso,raw,hdc,ro,cdrom" ]
vif = [ "mac=00:16:3e:00:00:03,bridge=xenbr0,model=e1000,ip=10.0.0.7" ]
bios = "ovmf"
boot = "dc"
vnc = 1
vnclisten = "0.0.0.0"
vncpasswd = "hunter22"
usbdevice = "tablet"
viridian = 1
localtime = 1
device_model_args_hvm = [ "-spice", "password=hunter33" ]
`;

describe('import of cfg files', () => {
  it('says each in the words of the file, passwords by reference', async () => {
    const folder = await folderOf({ 'web.cfg': web, 'win.cfg': win });
    const { code, out, err } = await importing('--cfg', folder, '--farm', 'acme');
    expect([code, err]).toEqual([0, '2 VMs written.\n']);
    expect(out).not.toMatch(/hunter/);
    expect(out).toMatchSnapshot();
    const { farm } = await load(out);
    expect(farm.vms.map((v) => [v.key, v.uuid, v.type])).toEqual([
      ['web', '0a1b2c3d-0000-4000-8000-000000000001', 'pvh'],
      ['win', undefined, 'hvm'],
    ]);
  });

  it('puts what VMs share into profiles and defaults, and another VM changes no other', async () => {
    const pv = (name: string, memory = 512): string =>
      `name = "${name}"\nbootloader = "pygrub"\nmemory = ${memory}\ndisk = [ "/dev/vg0/${name},raw,xvda,rw" ]\n`;
    const files = { 'a.cfg': pv('a'), 'b.cfg': pv('b'), 'c.cfg': pv('c', 2048), 'd.cfg': pv('d') };
    const { out } = await importing('--cfg', await folderOf(files));
    expect(out).toMatchSnapshot();
    const more = await importing('--cfg', await folderOf({ ...files, 'bb.cfg': pv('bb', 768) }));
    const before = new Set(out.split('\n'));
    expect(more.out.split('\n').filter((line) => !before.has(line))).toEqual([
      '  bb:',
      '    memory: 768MiB',
      '    disks: { xvda: { path: /dev/vg0/bb } }',
    ]);
    expect(out.split('\n').every((line) => more.out.split('\n').includes(line))).toBe(true);
    expect((await importing('--cfg', await folderOf(files))).out).toBe(out);
  });

  it.each([
    ['no', '  "no":'],
    ['2024-01-01', '  "2024-01-01":'],
    ['1e3', '  "1e3":'],
    ['null', '  "null":'],
  ])('gives a VM named %s a key that is read as it is written', async (name, line) => {
    const { out } = await importing(
      '--cfg',
      await folderOf({ 'x.cfg': `name = "${name}"\nkernel = "/k"\n`, 'y.cfg': web }),
    );
    expect(out.split('\n')).toContain(line);
    const names = (await load(out)).farm.vms.map((v) => v.name);
    expect(names).toEqual([name, 'web'].sort());
  });

  it('names no number as a VM without its own name beside it', async () => {
    const { out, code } = await importing(
      '--cfg',
      await folderOf({ 'x.cfg': 'name = "007"\nkernel = "/k"\n', 'y.cfg': web }),
    );
    expect([code, out]).toEqual([5, expect.stringContaining('Not in this file:\n# 007 (')]);
  });

  it('says what it could not say, and leaves that as it is', async () => {
    const odd = `name = "odd"\nkernel = "vmlinuz"\ncpus = [ "0", "1" ]\nvcpus = 2\ndisk = [ "/dev/vg0/odd,raw,xvda1,w" ]\nvif = [ "" ]\n`;
    const { code, out } = await importing('--cfg', await folderOf({ 'odd.cfg': odd }));
    expect(code).toBe(0);
    const comments = out.split('\n').filter((l) => l.startsWith('  # '));
    expect(comments.join('\n')).toMatch(/nics are left out: .*no bridge/);
    expect(comments.join('\n')).toMatch(/affinity is left out/);
    expect(comments.join('\n')).toMatch(/boot\.kernel is left out/);
    expect((await load(out)).farm.vms).toHaveLength(1);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['is cut off', 'name = "a"\ndisk = [ "/dev/vg0/a,raw,xvda', 'no closing'],
    ['is binary', Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256), 'bad.cfg'],
    ['is UTF-16', Uint8Array.from([0xff, 0xfe, 0x6e, 0, 0x61, 0]), 'bad.cfg'],
    ['has Windows line ends', 'name = "a"\r\nmemory = 64\r\n', 'carriage return'],
    ['is Python', '__import__("os").system("touch /tmp/owned")\n', 'bad.cfg'],
    ['is ten megabytes', 'a'.repeat(10 * 1024 * 1024), 'is larger than 1 MiB'],
    ['has the UUID of another', web.replace('"web"', '"copy"'), 'has the UUID 0a1b2c3d'],
    [
      'has the disk of another',
      'name="copy"\nkernel="/k"\ndisk=["/dev/vg0/web,raw,xvda,w"]\n',
      'have one disk /dev/vg0/web',
    ],
    ['has the name of another', 'name="web"\nkernel="/k"\n', 'has the name'],
  ])('tells of a cfg that %s, and goes on with the others', async (_, bytes, why) => {
    // The good one is first by its name.
    const { code, out, err } = await importing('--cfg', await folderOf({ 'a.cfg': web, 'bad.cfg': bytes }));
    expect(code).toBe(5);
    expect(err).toContain(why);
    expect(err).toContain('(not-imported)');
    expect(out).toContain('Not in this file:');
    expect((await load(out)).farm.vms).toHaveLength(1);
  });

  it('follows no link out of a folder', async () => {
    const folder = await folderOf({ 'in/web.cfg': web });
    await writeFile(join(folder, 'secret'), win);
    await symlink(join(folder, 'secret'), join(folder, 'in/win.cfg'));
    const { code, out, err } = await importing('--cfg', join(folder, 'in'));
    expect([code, err]).toEqual([5, expect.stringContaining('a link that leads out of the folder')]);
    expect(out).not.toContain('win:');
  });

  it('takes only what is asked for, and says what there is', async () => {
    const folder = await folderOf({ 'web.cfg': web, 'win.cfg': win });
    expect((await load((await importing('--cfg', folder, '--vm', 'wi*')).out)).farm.vms.map((v) => v.key)).toEqual([
      'win',
    ]);
    const none = await importing('--cfg', folder, '--vm', 'x*');
    expect([none.code, none.out, none.err]).toEqual([1, '', expect.stringContaining('found: web, win')]);
  });

  it('writes over nothing, unless told to', async () => {
    const folder = await folderOf({ 'web.cfg': web });
    const out = join(folder, 'farm.yaml');
    expect((await importing('--cfg', join(folder, 'web.cfg'), '--out', out)).code).toBe(0);
    await writeFile(out, 'mine');
    const again = await importing('--cfg', join(folder, 'web.cfg'), '--out', out);
    expect([again.code, await readFile(out, 'utf8')]).toEqual([1, 'mine']);
    expect(again.err).toContain('add --force');
    expect((await importing('--cfg', join(folder, 'web.cfg'), '--out', out, '--force')).code).toBe(0);
    expect(await readFile(out, 'utf8')).toContain('web:');
  });

  it('makes a folder of files that are a farm together', async () => {
    const folder = await folderOf({ 'cfgs/web.cfg': web, 'cfgs/win.cfg': win });
    expect((await importing('--cfg', join(folder, 'cfgs'), '--out', join(folder, 'farm/'))).code).toBe(0);
    const names = (await readdir(join(folder, 'farm'))).sort();
    expect(names).toEqual(['farm.yaml', 'vms.yaml']);
    const texts = await Promise.all(names.map((n) => readFile(join(folder, 'farm', n), 'utf8')));
    const files = Object.fromEntries(names.map((n, i) => [`farm/${n}`, texts[i] ?? '']));
    expect((await load(files, ['farm'])).farm.vms).toHaveLength(2);
    expect((await importing('--cfg', join(folder, 'cfgs'), '--out', join(folder, 'farm/'))).code).toBe(1);
  });
});
