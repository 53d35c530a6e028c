import { describe, expect, it } from 'vitest';
import { plainDisk, plainNic, type VmConfig } from '../../../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../../../src/toolstacks/xl/cfg/grammar.ts';
import { cfgOfVm, vmOfCfg, type VmParsed } from '../../../../src/toolstacks/xl/cfg/vm.ts';
import { writeCdrom, writeDisk } from '../../../../src/toolstacks/xl/cfg/disk-string.ts';
import { parseNic, writeNic } from '../../../../src/toolstacks/xl/cfg/vif-string.ts';

const read = (text: string): VmParsed => {
  const parsed = parseCfg(text);
  return parsed.ok ? vmOfCfg(effective(parsed.entries)) : { ok: false, why: parsed.error.message };
};
const config = (text: string): VmConfig => {
  const vm = read(text);
  if (!vm.ok) throw new Error(vm.why);
  return vm.config;
};
const only = (text: string): VmConfig => config(`name="x"\ndisk=[${JSON.stringify(text)}]\n`);
const disks = (text: string): unknown => only(text).disks;
const xvda = (path: string, more: object = {}): unknown => ({ xvda: { ...plainDisk, path, ...more } });

describe('a cfg as a VM', () => {
  it('takes xl’s defaults', () => {
    expect(config('name = "x"\n')).toEqual({
      name: 'x',
      uuid: null,
      type: 'pv',
      vcpus: { count: 1, max: 1 },
      memory: { target: 32768, max: 32768 },
      boot: { kernel: null, ramdisk: null, cmdline: null },
      settings: {},
      disks: {},
      cdroms: {},
      nics: [],
      extra: [],
    });
  });

  it('joins root and extra as xl does, unless there is a cmdline', () => {
    expect(config('name="x"\nroot="/dev/xvda"\nextra="ro"\n').boot.cmdline).toBe('root=/dev/xvda ro');
    expect(config('name="x"\nroot="/dev/xvda"\ncmdline="ro"\n').boot.cmdline).toBe('ro');
  });

  it('reads numbers as C does', () => {
    expect(config('name="x"\nmemory=0x40\nvcpus="2"\nmaxvcpus=010\n')).toMatchObject({
      memory: { target: 65536, max: 65536 },
      vcpus: { count: 2, max: 8 },
    });
  });

  it('keeps what it has no word for, in order, the last of two', () => {
    expect(config('name="x"\nnuma="a"\ncpuid=["1"]\nnuma="b"\n').extra).toEqual([
      { key: 'cpuid', value: ['1'] },
      { key: 'numa', value: 'b' },
    ]);
  });

  it('reads vifs, with odd addresses', () => {
    expect(config('name="x"\nvif=["mac=0:16:3E:0:0:1, bridge=br0,rate=1Mb/s", ""]\n').nics).toEqual([
      { ...plainNic, mac: '00:16:3e:00:00:01', bridge: 'br0', rate: '125000B/s@50000us' },
      { ...plainNic, mac: null, bridge: null },
    ]);
  });

  it.each<[string, RegExp]>([
    ['memory=1\n', /name/],
    ['name="x"\nbuilder="linux"\n', /builder = linux/],
    ['name="x"\ntype="pv"\nbuilder="hvm"\n', /contradicts/],
    ['name="x"\nmemory=512\nmaxmem=256\n', /more than its maximum/],
    ['name="x"\nvcpus="many"\n', /not a number/],
    ['name="x"\nuuid="1"\n', /UUID/],
    ['name="x"\ndisk="phy:/dev/a,xvda,w"\n', /should be a list/],
    ['name="x"\ndisk=["phy:/dev/a,xvda,w!"]\n', /unknown access w!/],
    ['name="x"\ndisk=["/a,,xvda","/b,,xvda"]\n', /two disks are xvda/],
    ['name="x"\ndisk=["foo:/dev/a,xvda,w"]\n', /unknown prefix foo:/],
    ['name="x"\ndisk=["target=/a"]\n', /no vdev/],
    ['name="x"\ndisk=["vdev=xvda"]\n', /no target/],
    ['name="x"\ndisk=["colour=red,vdev=xvda,target=/a"]\n', /unknown option colour=red/],
    ['name="x"\nvif=["mac=nonsense"]\n', /no MAC address/],
    ['name="x"\nvif=["rate=fast"]\n', /rate=fast is no rate/],
    ['name="x"\ndisk=["/a,,hdc","/b,,hdc:cdrom"]\n', /two disks are hdc/],
    ['name="x"\ndisk=["script=block-x,vdev=hdc,devtype=cdrom,target=/b"]\n', /no CD drive with script=block-x/],
    ['name="x"\ndisk=["format=qcow2,vdev=hdc,devtype=cdrom,target=/b"]\n', /no CD drive with format=qcow2/],
  ])('refuses %j', (text, why) => {
    const vm = read(text);
    expect(vm.ok ? '' : vm.why).toMatch(why);
  });
});

describe('disk strings that mean one thing', () => {
  it.each([
    'format=raw,vdev=xvda,access=rw,target=/dev/vg/a',
    'vdev=xvda, target=/dev/vg/a',
    '/dev/vg/a,raw,xvda,rw',
    '/dev/vg/a,,xvda',
    'phy:/dev/vg/a,xvda,w',
    'file:/dev/vg/a,xvda,w',
    'tap:aio:/dev/vg/a,xvda',
  ])('%s', (text) => {
    expect(disks(text)).toEqual(xvda('/dev/vg/a'));
  });

  it('target= takes all the rest', () => {
    expect(disks('vdev=xvda,target=/a,b=c,ro')).toEqual(xvda('/a,b=c,ro'));
  });

  it('keeps options it has no word for', () => {
    expect(disks('/a,qcow2,xvda,ro,backendtype=qdisk,discard')).toEqual(
      xvda('/a', { access: 'ro', format: 'qcow2', backend: 'qdisk', extra: ['discard'] }),
    );
  });

  it.each([
    ['file:/cd.iso,hdc:cdrom,w', '/cd.iso'],
    ['format=raw,vdev=hdc,devtype=cdrom,access=ro,target=/cd.iso', '/cd.iso'],
    ['backendtype=qdisk,vdev=hdc,devtype=cdrom,target=/cd.iso', '/cd.iso'],
    [',hdc:cdrom,r', ''],
    [',raw,hdc,cdrom', ''],
  ])('%s is a CD drive', (text, path) => {
    expect([only(text).disks, only(text).cdroms]).toEqual([{}, { hdc: { path } }]);
  });

  it('write a CD drive, empty or not', () => {
    expect(writeCdrom('hdc', '/a,b')).toBe('format=raw,vdev=hdc,devtype=cdrom,access=ro,target=/a,b');
    expect(writeCdrom('hdc', '')).toBe('format=empty,vdev=hdc,devtype=cdrom,access=ro');
    expect(writeCdrom('hdc', '/a,')).toBeNull();
  });

  it('are not written where the syntax cannot hold them', () => {
    const disk = { ...plainDisk, path: '/a' };
    expect(writeDisk('xvda', { ...disk, path: '/a,' })).toBeNull();
    expect(writeDisk('xvda', { ...disk, extra: ['discard,access=ro'] })).toBeNull();
    expect(writeDisk('xvda', disk)).toBe('format=raw,vdev=xvda,access=rw,target=/a');
    expect(writeDisk('xvda', { ...disk, shared: true, backend: 'phy' })).toBe(
      'format=raw,vdev=xvda,access=rw,backendtype=phy,target=/a',
    );
  });
});

describe('vif strings', () => {
  it.each<[string, object]>([
    ['rate=10Mb/s', { rate: '1250000B/s@50000us' }],
    ['rate=250KB/s@20ms', { rate: '250000B/s@20000us' }],
    ['rate=010Mb/s', { extra: ['rate=010Mb/s'] }],
    ['type=vif', { model: 'pv' }],
    ['model=e1000', { model: 'e1000' }],
    ['type=ioemu,model=e1000', { model: 'e1000', extra: ['type=ioemu'] }],
    ['model=e1000,type=vif', { model: 'pv', extra: ['model=e1000'] }],
    ['type=netfront', { extra: ['type=netfront'] }],
    ['model=pv', { extra: ['model=pv'] }],
    ['script=/etc/xen/scripts/vif-nat', { script: 'vif-nat' }],
    ['script=/srv/vif-nat', { script: '/srv/vif-nat' }],
    ['vlan=20', { vlan: 20 }],
    ['vlan=20p/30', { extra: ['vlan=20p/30'] }],
    ['ip=10.0.0.1,gatewaydev=eth0', { extra: ['ip=10.0.0.1', 'gatewaydev=eth0'] }],
  ])('%s', (text, said) => {
    expect(parseNic(text)).toEqual({ ok: true, nic: { ...plainNic, mac: null, bridge: null, ...said } });
  });

  it('are written in a fixed order', () => {
    const nic = { mac: '02:00:00:00:00:01', bridge: 'br0', vlan: 20, rate: '1250000B/s@50000us', script: 'vif-nat' };
    expect(writeNic({ ...nic, model: 'e1000', extra: ['type=ioemu'] })).toBe(
      'mac=02:00:00:00:00:01,bridge=br0,vlan=20,model=e1000,rate=1250000B/s@50000us,script=vif-nat,type=ioemu',
    );
    expect(writeNic({ ...plainNic, mac: null, bridge: 'a,b' })).toBeNull();
  });

  it('do not keep a word of the card that was', () => {
    const nic = { ...plainNic, mac: null, bridge: null };
    expect(writeNic({ ...nic, model: 'pv', extra: ['type=ioemu'] })).toBe('type=vif');
    expect(writeNic({ ...nic, model: 'e1000', extra: ['model=pv'] })).toBe('model=e1000');
  });
});

describe('a VM that is written', () => {
  it('names every owned key, maxima too', () => {
    const vm = config(
      'name="x"\nmemory=64\ntype="pvh"\nkernel="/k"\nvif=["bridge=b"]\ndisk=["phy:/d,xvda,w"]\non_crash="preserve"\n',
    );
    expect(cfgOfVm(vm)).toEqual({
      ok: true,
      text: [
        'name = "x"',
        'type = "pvh"',
        'memory = 64',
        'maxmem = 64',
        'vcpus = 1',
        'maxvcpus = 1',
        'kernel = "/k"',
        'disk = [ "format=raw,vdev=xvda,access=rw,target=/d" ]',
        'vif = [ "bridge=b" ]',
        'on_crash = "preserve"',
        '',
      ].join('\n'),
    });
  });

  it.each<[string, (vm: VmConfig) => VmConfig, RegExp]>([
    [
      'a key of Reeve’s own among the extras',
      (vm) => ({ ...vm, extra: [{ key: 'memory', value: '1' }] }),
      /memory is set by Reeve/,
    ],
    ['a key that is none', (vm) => ({ ...vm, extra: [{ key: 'A b', value: '1' }] }), /no key/],
    ['NUL', (vm) => ({ ...vm, name: 'a\0' }), /NUL/],
    ['a broken surrogate pair', (vm) => ({ ...vm, name: 'a\ud800' }), /surrogate/],
    ['odd memory', (vm) => ({ ...vm, memory: { target: 1000, max: 1024 } }), /whole number of MiB/],
  ])('refuses %s', (_, change, why) => {
    const written = cfgOfVm(change(config('name="x"\n')));
    expect(written.ok ? '' : written.why).toMatch(why);
  });
});
