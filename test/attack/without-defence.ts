import { registerHooks } from 'node:module'
import { DEFENCES, type Edit } from './defences.ts'

// Preloaded with CIMD_WITHOUT_DEFENCE naming a defence: takes it out of the sources as they are loaded.

const name = process.env['CIMD_WITHOUT_DEFENCE']
const defence = DEFENCES.find((one) => one.name === name)
if (defence === undefined) throw new Error(`there is no defence ${JSON.stringify(name)}`)

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    const edits = defence.edits.filter(({ file }) => url.endsWith(`/${file}`))
    if (edits.length === 0) return loaded
    return { ...loaded, source: edits.reduce(applied, String(loaded.source)) }
  },
})

function applied(source: string, { file, find, replace }: Edit): string {
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold once: ${find}`)
  return source.replace(find, () => replace)
}
