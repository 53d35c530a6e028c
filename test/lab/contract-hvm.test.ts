/** The contract suite on real Xen: HVM. */
import { contract } from '../contract/law.ts';
import { openContract } from './contract-farm.ts';

contract('real Xen', 'hvm', openContract);
