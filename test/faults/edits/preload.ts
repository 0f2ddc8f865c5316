import { registerHooks } from 'node:module'
import { EDITS, type Edit, type EditsName } from './table.ts'

// Preloaded as `preload.ts?<name of edits>`: changes the sources as they are loaded, and no file.

const name = new URL(import.meta.url).search.slice(1)
if (!Object.hasOwn(EDITS, name)) throw new Error(`there are no edits ${JSON.stringify(name)}`)
const edits: readonly Edit[] = EDITS[name as EditsName]

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    const own = edits.filter(({ file }) => url.endsWith(`/${file}`))
    return own.length === 0 ? loaded : { ...loaded, source: own.reduce(applied, String(loaded.source)) }
  },
})

function applied(source: string, { file, find, replace }: Edit): string {
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold once: ${find}`)
  return source.replace(find, () => replace)
}
