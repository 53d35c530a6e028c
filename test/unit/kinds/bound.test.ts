/** What of a cfg binds a VM to its server. */
import { expect, test } from 'vitest';
import { boundBy, driverDomainsOf, isDriverDomain } from '../../../src/kinds/vm/bound.ts';
import type { VmConfig } from '../../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../../src/toolstacks/xl/cfg/grammar.ts';
import { vmOfCfg } from '../../../src/toolstacks/xl/cfg/vm.ts';

const configOf = (line: string): VmConfig => {
  const cfg = parseCfg(`name = "a"\ntype = "hvm"\nmemory = 256\n${line}\n`);
  const vm = cfg.ok ? vmOfCfg(effective(cfg.entries)) : null;
  if (!vm?.ok) throw new Error(line);
  return vm.config;
};

test.each([
  ['nomigrate = 1', 'its cfg says nomigrate'],
  ['nomigrate = 0', null],
  ['pci = [ "0000:03:00.0" ]', 'it has a device of its server (pci)'],
  ['pci = []', null],
  ['usbdev = [ "hostbus=1,hostaddr=3" ]', 'it has a device of its server (usbdev)'],
  ['usbdevice = [ "tablet", "host:046d:c52b" ]', 'it has a device of its server (usbdevice)'],
  ['usbdevice = "tablet"', null],
  ['ioports = [ "2f8-2ff" ]', 'it has a device of its server (ioports)'],
  ['p9 = [ "tag=a,path=/srv/a,security_model=none" ]', 'it has a device of its server (p9)'],
  ['vif = [ "bridge=br0,backend=net" ]', 'driver domain net of its server serves a disk or a NIC of it'],
  ['vif = [ "bridge=br0,backend=0" ]', null],
  [
    'disk = [ "format=raw,vdev=xvda,access=rw,backend=store,target=/dev/vg/a" ]',
    'driver domain store of its server serves a disk or a NIC of it',
  ],
  ['driver_domain = 1', null],
])('%s', (line, why) => {
  expect(boundBy(configOf(line))).toBe(why);
});

test('a driver domain is one, and those that serve a VM are named once', () => {
  expect(['driver_domain = 1', 'driver_domain = 0', ''].map((line) => isDriverDomain(configOf(line)))).toEqual([
    true,
    false,
    false,
  ]);
  const vifs = configOf('vif = [ "backend=net", "backend=net", "backend=other" ]');
  expect(driverDomainsOf(vifs)).toEqual(['net', 'other']);
});
