import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { decode } from '/work/main/src/toolstacks/xl/decode.ts';
it('w', () => { const s: any = decode(readFileSync('/tmp/work/answer.bin'), 'abc', ['/etc/passwd']); console.log(JSON.stringify({...s, records: s.records?.map((r: any)=>[r.path,r.problem])}, null, 1)); });
