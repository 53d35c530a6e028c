/** A password by reference within a value of `xl`: from the file to the cfg and back, and never compared. */
import { describe, expect, it } from 'vitest';
import { namedByFarm } from '../../../../src/cli/secrets.ts';
import type { Marker } from '../../../../src/kinds/vm/live.ts';
import { renderWith } from '../../../../src/toolstacks/xl/cfg/render.ts';
import { recordOf } from '../../../../src/toolstacks/xl/index.ts';
import { codesOf, home, load, vmOf } from '../../config/load.ts';

const xl = (password: string): string =>
  `vms: { web: { type: pv, memory: 64MiB, xl: { vfb: ["type=vnc,vncpasswd=${password}"], x_y: ["a", ["b"]] } } }\n`;
const reference = '${env:WEB_VFB}';

const cfg = 'name = "web"\nkernel = "/k"\nmemory = 64\nvfb = [ "type=vnc,vncpasswd=old" ]\n';
const standing = recordOf('/etc/xen/web.cfg', new TextEncoder().encode(cfg), []);
const marker = { uuid: 'x', applied: {} } as unknown as Marker;

const written = (secrets: ReadonlyMap<string, string> | null) => {
  if (!standing.config) throw new Error(standing.problem);
  const extra = [{ key: 'vfb', value: [`type=vnc,vncpasswd=${reference}`] }];
  return renderWith(marker, { ...standing.config, extra }, secrets, standing);
};

describe('a reference within a value of xl', () => {
  it('is taken, and a password is not', async () => {
    expect((await vmOf(xl(reference))).xl).toEqual({ vfb: [`type=vnc,vncpasswd=${reference}`], x_y: ['a', ['b']] });
    expect(await codesOf(xl('hunter22'))).toEqual(['literal-secret']);
    expect(await codesOf('vms: { web: { xl: { seclabel: "${env:LABEL}" } } }\n')).toEqual(['not-built']);
  });

  it('is asked for its value before anything is written', async () => {
    const { farm } = await load(home + xl(reference));
    expect(namedByFarm(farm, { pools: [], targets: [] })).toEqual([{ reference, place: 'xl.vfb of web' }]);
  });

  it('becomes its value in the cfg, or what the cfg has where no value is given at all', () => {
    expect(written(new Map([[reference, 'new']]))).toEqual({
      ok: true,
      text: expect.stringContaining('vfb = [ "type=vnc,vncpasswd=new" ]'),
    });
    expect(written(null)).toEqual({ ok: true, text: expect.stringContaining('vncpasswd=old"') });
    expect(written(new Map())).toEqual({ ok: false, why: '${env:WEB_VFB} has no value' });
  });

  it.each(['a,b', 'a"', "a'", 'a b'])('is refused where %j would end it', (value) => {
    expect(written(new Map([[reference, value]]))).toMatchObject({ ok: false });
  });
});
