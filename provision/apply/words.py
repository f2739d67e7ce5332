"""Words for first passwords that children can read and type: short and plain."""

from __future__ import annotations

_LIST = """
acorn actor album amber angle ankle apple april apron arrow artist aunt autumn baby bacon badge bagel baker
balloon bamboo banana banjo barn basil basket bath beach bead bean bear beaver bell belt bench berry bike bird
biscuit blanket blossom board boat bonnet book boot bottle bowl branch bread breeze brick bridge brook broom
brush bubble bucket buffalo bugle butter button cabin cable cactus cake camel camera camp canal candle canoe
canyon carpet carrot castle cedar cello cereal chair chalk cherry chess chestnut circle circus citrus clay
cliff clock cloud clover coast cobalt coconut comet compass cookie copper coral cork cotton cousin crane
crater crayon cricket crocus crown crystal cucumber curtain cushion daisy dancer desert desk diamond dinner
dolphin domino donkey dragon drawer drum duck eagle easel echo eclipse elbow elephant ember engine falcon
family farmer feather fern ferry fiddle field finch finger flag flame flower flute foam forest fossil fountain
fox friday friend frog garden garlic gate ginger giraffe glass globe glove goat gold goose grain grape gravel
guitar hammer hammock harbor harp hazel hedge helmet heron hill honey hook horizon horse hotel igloo island
ivory ivy jacket jaguar jam jelly jersey jigsaw juice july june jungle kayak kettle kitchen kite kitten koala
ladder lagoon lake lamp lantern lavender leaf lemon leopard letter library lily lime lion lizard llama lobster
lotus magnet maple marble march market meadow melon mermaid mint mirror mitten monday monkey moon moose
morning mosaic moss mountain muffin museum mushroom music napkin needle nest nickel north novel number nutmeg
oak oasis oats ocean octopus olive onion orange orbit orchard orchid otter owl oyster paddle painter palace
panda paper parade parrot party pasta peach peacock peanut pearl pebble pencil penguin pepper petal piano
picnic pillow pilot pine planet plum pocket poem poet polar pond pony popcorn poppy potato prairie prism
puddle pumpkin puppet puppy puzzle pyramid quail quartz quilt rabbit radio radish rainbow raisin ranger raven
ribbon rice river robin rocket rose ruby saddle sailor salad salmon sandal satin saturn scarf school seal
shadow sheep shell shore silk silver singer sister skate sketch sleigh snow soccer socks south sparrow spider
spinach spiral spoon spring spruce square squash squirrel stable star stone storm stove straw stream street
summer sunday sunset swan sweater swing table tadpole tango teacher teapot tennis thunder tiger timber toast
tomato topaz tower tractor trail train travel treasure tree trumpet tulip tunnel turkey turnip turtle tuxedo
umbrella uncle unicorn valley vanilla velvet village violet violin visitor volcano voyage waffle wagon walnut
walrus water weather weaver whale wheat wheel whistle willow window winter wizard wonder wood yogurt zebra
zipper zucchini
"""
WORDS = tuple(_LIST.split())
