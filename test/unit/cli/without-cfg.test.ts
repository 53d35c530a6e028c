/** A VM that runs and whose cfg is gone is adopted only where nothing that it was started with would be lost. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { runOn } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'without-cfg');
  await farm.describe('  a: {}\n');
});
afterEach(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);
const path = '/etc/xen/a.cfg';
const files = () => farm.sim.files('dom01');
/** Its domain, as libxl shows it. */
const begin = async (type: string, lines: readonly string[]): Promise<void> => {
  const boot = type === 'hvm' ? '' : 'kernel = "/srv/guest/vmlinuz"\n';
  files().write(path, `name = "a"\ntype = "${type}"\nmemory = 256\nvcpus = 1\n${boot}${lines.join('\n')}\n`);
  expect(await farm.sim.hand('dom01', ['xl', 'create', '-q', path])).toMatchObject({ rc: 0 });
  files().remove(path);
};

it.each([
  ['hvm', 'pci = [ "0000:03:00.0,permissive=1" ]', 'pci'],
  ['hvm', 'usbdevice = [ "tablet", "host:046d:c52b" ]', 'usbdevice'],
  ['hvm', 'viridian = [ "all" ]', 'viridian'],
  ['hvm', 'viridian = 1', 'viridian'],
  ['hvm', 'localtime = 1', 'localtime'],
  ['hvm', 'device_model_args = [ "-smbios", "type=1,serial=ABC" ]', 'device_model_args'],
  ['hvm', 'vga = "stdvga"', 'vga'],
  ['hvm', 'acpi = 0', 'acpi'],
  ['pvh', 'nomigrate = 1', 'nomigrate'],
  ['pvh', 'disk = [ "format=raw,vdev=xvda,access=rw,discard,target=/dev/vg0/mail" ]', 'disk xvda: discard'],
  ['pvh', 'disk = [ "format=raw,vdev=xvda,access=rw,script=block-x,target=/dev/vg0/mail" ]', 'disk xvda: script='],
  ['pvh', 'vif = [ "mac=02:00:00:00:00:01,bridge=xenbr0,ip=192.0.2.9" ]', 'NIC 02:00:00:00:00:01: ip='],
])('%s with %s is refused, and says what would be lost', async (type, line, lost) => {
  await begin(type, [line]);
  const { code, out } = await reeve('apply', '--yes');
  expect(code).toBe(5);
  expect(out).toContain('cfg-lossy');
  expect(out).toMatch(new RegExp(`would lack [^(]*${lost}`));
  expect(files().list('/etc/xen')).not.toContain('a.cfg');
});

it.each(['hvm', 'pv', 'pvh'])('a plain %s is adopted, and shown as what it is', async (type) => {
  await begin(type, [
    'maxvcpus = 2',
    'disk = [ "format=raw,vdev=xvda,access=rw,target=/dev/vg0/mail" ]',
    'vif = [ "mac=02:00:00:00:00:01,bridge=xenbr0" ]',
    'cpu_weight = 512',
    'on_crash = "restart"',
    'cpus = "1-2"',
  ]);
  const { code, out } = await reeve('apply', '--yes');
  expect([code, out.includes(`${path} is made from what libxl knows: there is none`)]).toEqual([0, true]);
  for (const said of ['maxvcpus = 2', '/dev/vg0/mail', '02:00:00:00:00:01', 'cpu_weight = 512', 'on_crash = "restart"'])
    expect(files().read(path)).toContain(said);
  expect((await reeve('plan')).out).toContain('Nothing to do');
});

it('a cfg that is put back is its record again', async () => {
  await begin('hvm', ['localtime = 1']);
  files().write(path, 'name = "a"\ntype = "hvm"\nmemory = 256\nvcpus = 1\nlocaltime = 1\n');
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(files().read(path)).toContain('localtime = 1');
});
