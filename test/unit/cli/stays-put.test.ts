/** VMs that no live migration may take: those whose cfg forbids it, and those that hold a device of their server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { runOn } from './shell.ts';

let farm: DemoFarm;
beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'stays-put', true);
});
afterAll(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);

test.each([
  ['nomigrate = 1', 'its cfg says nomigrate'],
  ['nomigrate = "yes"', 'its cfg says nomigrate'],
  ['usbdevice = [ "tablet", "host:046d:c52b" ]', 'it has a device of its server (usbdevice)'],
  ['disk = [ "/srv/own.iso,raw,hdc,cdrom" ]', 'dom01 has no /srv/own.iso, which lies in drive hdc'],
  ['driver_domain = 1', 'it is a driver domain, and VMs of its server have their disks or NICs from it'],
  ['usbdevice = "host:1.2"', 'it has a device of its server (usbdevice)'],
  ['usbdevice = [ "tablet", "mouse" ]', null],
  ['nomigrate = 1\non_poweroff = "restart"', 'its cfg says nomigrate, it starts again whenever it shuts down'],
  ['nomigrate = 0', null],
])('%s', async (line, why) => {
  const cfg = `name = "a"\ntype = "hvm"\nmemory = 256\nvcpus = 1\n${line}\n`;
  farm.sim.files('dom02').write('/srv/own.iso', 'x');
  farm.sim.files('dom02').write('/etc/xen/a.cfg', cfg);
  await farm.sim.hand('dom02', ['xl', 'create', '-q', '/etc/xen/a.cfg']);
  await farm.describe('  a: {}\n');
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  await farm.describe('  a: {}\n', { dom02: 'maintenance' });
  const { code, out } = await reeve('plan');
  expect([code, out.includes('migrate live')]).toEqual(why === null ? [0, true] : [5, false]);
  expect(out).toContain(why ?? 'a on dom02 →');
  await farm.sim.hand('dom02', ['xl', 'destroy', 'a']);
  farm.sim.files('dom02').remove('/etc/xen/a.cfg');
});
