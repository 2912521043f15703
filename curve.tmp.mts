import { Embedder } from './src/embed/embedder.ts';
import { writeTinyModel } from './test/support/tiny-model.ts';
import { useSoftwareVulkan } from './test/support/software-vulkan.ts';
import { mkdtempSync } from 'node:fs';
useSoftwareVulkan();
const device = process.argv[2] as any; const N=Number(process.argv[3]);
const d = mkdtempSync('/tmp/tiny-');
writeTinyModel(d);
await using e = new Embedder({ model: d, device });
const texts = Array.from({length: device==='webgpu'?4:100},(_, i) => ['red', 'green blue', 'broken', 'blue red green red'][i % 4]!);
const sizes=[]; const per = device==='webgpu'?1:75;
for (let c=1;c<=N/per;c++){ await e.embed(texts); if(c%Math.floor(N/per/60)===0) {const s=await e.stats(); sizes.push((s.rssBytes/1e6).toFixed(1));} }
console.log(device, N, sizes.join(' '));
