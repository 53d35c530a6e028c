import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'vitest';
import { effective, parseCfg } from '/work/main/src/toolstacks/xl/cfg-grammar.ts';
import { vmOfCfg } from '/work/main/src/toolstacks/xl/cfg-vm.ts';
import { expectedJson, sameXlJson } from '/work/main/src/toolstacks/xl/expected-json.ts';
it('x', () => {
  const corpus='/work/shared/corpus/xlcfg';
  const count: Record<string, string[]> = {};
  for (const f of readdirSync(corpus+'/xl-json')) {
    const p = parseCfg(readFileSync(corpus+'/files/'+f.replace(/\.json$/,''),'latin1'));
    const vm = p.ok ? vmOfCfg(effective(p.entries)) : {ok:false as const, why:p.error.message};
    if (!vm.ok) { console.log('NO', f, vm.why); continue; }
    const found = JSON.parse(readFileSync(corpus+'/xl-json/'+f,'utf8'));
    const by = (l: any) => [...(l ?? [])].sort((a: any,b: any) => a.vdev < b.vdev ? -1 : 1);
    const exp: any = expectedJson(vm.config);
    for (const d of sameXlJson({...exp, disks: by(exp.disks)}, {...found, disks: by(found.disks)})) (count[d] ??= []).push(f);
  }
  for (const [d, fs] of Object.entries(count).sort()) console.log(fs.length, d, fs.slice(0,2).join(' '));
});
