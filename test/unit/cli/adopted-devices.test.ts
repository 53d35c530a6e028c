/** What an adopted VM has and the file does not name stays, whatever else the file comes to say of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { runOn } from './shell.ts';

let farm: DemoFarm;
beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'adopted-devices', true);
});
afterAll(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);
const path = '/etc/xen/a.cfg';
const cfg = (): string => farm.sim.files('dom02').read(path) ?? '';
const line = (key: string): string => new RegExp(`^${key} = .*$`, 'm').exec(cfg())?.[0] ?? '';
const marker = () => JSON.parse(/^# reeve: (.*)$/m.exec(cfg())?.[1] ?? '{}') as Record<string, unknown>;
const apply = async (vm: string, ...more: readonly string[]) => {
  await farm.describe(`  a: ${vm}\n`);
  return reeve('apply', '--yes', ...more);
};
const settled = async (): Promise<void> => {
  expect((await reeve('plan')).out).toMatch(/^Nothing to do/);
  expect(await reeve('drift')).toMatchObject({ code: 0, out: expect.stringMatching(/^No drift/) as string });
};

/** Made by hand with plain xl, and adopted with nothing said. */
const adopt = async (more: string, vm = '{}'): Promise<void> => {
  farm.sim
    .files('dom02')
    .write(path, `name = "a"\ntype = "pvh"\nmemory = 256\nkernel = "/srv/guest/vmlinuz"\n${more}\n`);
  await farm.sim.hand('dom02', ['xl', 'create', '-q', path]);
  expect(await apply(vm)).toMatchObject({ code: 0 });
};
beforeEach(async () => {
  await farm.sim.hand('dom02', ['xl', 'destroy', 'a']);
  farm.sim.files('dom02').remove(path);
});

const [root, swap] = ['/dev/vg0/web-1', '/dev/vg0/web-2'];

describe('disks', () => {
  const two = `extra = "root=/dev/xvda2 ro"\ndisk = [ "phy:${root},xvda2,w", "phy:${swap},xvda1,w,script=block-own" ]`;
  test('stay beside one that the file adds, and that one goes when the file names it no more', async () => {
    await adopt(two);
    const plan = await apply('{ disks: { xvdb: { path: /dev/vg0/db-1 } } }');
    expect(plan.code).toBe(0);
    expect(plan.out).not.toMatch(/xvda|by hand/);
    expect(line('disk')).toMatch(/vdev=xvda2.*vdev=xvda1.*script=block-own.*vdev=xvdb/);
    await settled();
    const less = await apply('{ disks: {} }', '--allow', 'device=a/xvdb');
    expect(less.out).not.toMatch(/xvda|by hand/);
    expect(line('disk')).toMatch(/vdev=xvda2.*vdev=xvda1/);
    expect(line('disk')).not.toContain('xvdb');
    await settled();
  });
  test('stay where the very adoption names another', async () => {
    await adopt(two, `{ disks: { xvda2: { path: ${root} } } }`);
    expect(line('disk')).toMatch(/vdev=xvda2.*vdev=xvda1/);
    await settled();
  });
  test('that the file has named are its own, and are let go with the whole key', async () => {
    await adopt(two, `{ disks: { xvda2: { path: ${root} }, xvda1: { path: ${swap} } } }`);
    const less = await apply(`{ disks: { xvda2: { path: ${root} } } }`, '--allow', 'device=a/xvda1');
    expect(less.out).toContain(`disk xvda1 ${swap} → none`);
    expect(line('disk')).not.toContain('xvda1');
    expect((await apply('{}')).out).toMatch(/disks/);
    expect(line('disk')).toContain('xvda2');
  });
});

describe('disks that other tools make', () => {
  const own = (more: string): string => `extra = "root=/dev/xvda1"\n${more}`;
  test.each([
    ['a partition', `phy:${root},xvda1,w`, `xvda1: { path: ${root} }`],
    ['a SCSI name', `phy:${root},sda,w`, `sda: { path: ${root} }`],
    ['an IDE name', `phy:${root},hda2,w`, `hda2: { path: ${root} }`],
    ['a DRBD resource', 'drbd:web,xvda,w', 'xvda: { path: "drbd:web" }'],
    [
      'a script of the owner’s',
      'vdev=xvda,script=block-own,target=lun:7',
      'xvda: { path: "lun:7", script: block-own }',
    ],
    ['a Ceph image', 'vdev=xvda,backendtype=qdisk,target=rbd:pool/web', 'xvda: { path: "rbd:pool/web" }'],
  ])('%s is named as it is', async (_, disk, said) => {
    for (const type of ['pv', 'pvh']) {
      await adopt(own(`type = "${type}"\ndisk = [ "${disk}" ]`));
      const before = cfg();
      await farm.describe(`  a: { disks: { ${said} } }\n`);
      expect((await reeve('plan')).out).toMatch(/^Nothing to do/);
      expect(cfg()).toBe(before);
      await farm.sim.hand('dom02', ['xl', 'destroy', 'a']);
    }
  });
  test('are made so, too, and put right with their script', async () => {
    await adopt(`disk = [ "phy:${root},xvda,w" ]`);
    const more = '{ disks: { sdb1: { path: "drbd:web" }, xvdc: { path: "lun:7", script: block-own } } }';
    expect((await apply(more)).out).toContain('attach-disk sdb1');
    expect(line('disk')).toMatch(/vdev=sdb1,access=rw,script=block-drbd,target=web"/);
    expect(line('disk')).toMatch(/vdev=xvdc,access=rw,script=block-own,target=lun:7"/);
    await settled();
    farm.sim.files('dom02').write(path, cfg().replace('script=block-own', 'script=block-other'));
    expect((await reeve('plan')).out).toMatch(/disk xvdc .* changed by hand/);
  });
});

test('a double quote stands in a command line and in an `xl` key, as xl reads it', async () => {
  await adopt('extra = \'root=/dev/xvda dyndbg="file x +p"\'');
  const before = cfg();
  const said = `{ boot: { cmdline: 'root=/dev/xvda dyndbg="file x +p"' } }`;
  await farm.describe(`  a: ${said}\n`);
  expect((await reeve('plan')).out).toMatch(/^Nothing to do/);
  expect(cfg()).toBe(before);
  const more = `{ boot: { cmdline: 'dyndbg="y"' }, xl: { device_model_args: ['-name "z"'] } }`;
  expect(await apply(more, '--allow', 'restart=a')).toMatchObject({ code: 0 });
  expect(line('cmdline')).toBe('cmdline = "dyndbg=\\"y\\""');
  expect(line('device_model_args')).toBe('device_model_args = [ "-name \\"z\\"" ]');
  await settled();
});

describe('NICs', () => {
  const [one, other] = ['00:16:3e:00:00:01', '00:16:3e:00:00:02'];
  const vif = (...nics: readonly string[]): string => `vif = [ ${nics.map((n) => `"${n}"`).join(', ')} ]`;
  test('are remembered, and are the file’s by bridge and order when it names their networks', async () => {
    await adopt(vif(`mac=${one},bridge=xenbr0,ip=10.0.0.1`));
    expect(marker()['macs']).toEqual({ eth0: one });
    const before = cfg();
    await farm.describe('  a: { networks: [prod] }\n');
    expect((await reeve('plan')).out).toMatch(/^Nothing to do/);
    expect(cfg()).toBe(before);
  });
  test.each([
    ['of the second bridge', `{ networks: [dmz] }`, { eth0: other }],
    ['of both', `{ networks: [dmz, prod] }`, { eth0: other, eth1: one }],
    ['by MAC', `{ nics: { eth5: { network: prod, mac: "${one}" } } }`, { eth5: one, eth1: other }],
  ])('%s change nothing', async (_, vm, macs) => {
    await adopt(vif(`mac=${one},bridge=xenbr0`, `mac=${other},bridge=xenbr1`));
    const before = line('vif');
    const done = await apply(vm.replace(/ }$/, ', memory: 256MiB, protect: true }'));
    expect(done.out).not.toContain('nic ');
    expect(line('vif')).toBe(before);
    expect(marker()['macs']).toEqual(macs);
    await settled();
  });
  test('stay beside one that the file adds, which goes when the file names it no more', async () => {
    await adopt(vif(`mac=${one},bridge=xenbr0`));
    await apply('{ nics: { eth1: { network: dmz } } }');
    expect(line('vif')).toMatch(new RegExp(`mac=${one},bridge=xenbr0", "mac=02:[^"]*,bridge=xenbr1`));
    await settled();
    const less = await apply('{ nics: {} }', '--allow', 'device=a/eth1');
    expect(less.out).toMatch(/nic eth1 xenbr1 \S+ → none/);
    expect(less.out).not.toContain('by hand');
    expect(line('vif')).toBe(vif(`mac=${one},bridge=xenbr0`));
    await settled();
  });
  test('move to the network that the file gives the one in that place', async () => {
    await adopt(vif(`mac=${one},bridge=xenbr0`));
    expect((await apply('{ networks: [dmz] }')).out).toContain('nic eth0 xenbr0 → xenbr1');
    expect(line('vif')).toBe(vif(`mac=${one},bridge=xenbr1`));
    await settled();
  });
  test('without a MAC keep the one that they run with, once the file has a word for them', async () => {
    await adopt('vif = [ "", "" ]');
    expect(line('vif')).toBe('vif = [ "", "" ]');
    await settled();
    const named = await apply('{ networks: [prod] }');
    expect(named.code).toBe(0);
    expect(named.out).not.toMatch(/attach|detach/);
    expect(line('vif')).toMatch(/^vif = \[ "mac=[^"]*,bridge=xenbr0", "" \]$/);
    await settled();
  });
});
