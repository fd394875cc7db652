"""What the words of a message are about, as far as danger is concerned: whom, what, how it fares, since when.

"O neném ficou cinza", "vovô tá branco que nem papel": hardly a word in common, and the same told: somebody, the colour
of the skin, now. A concept is a set of words (by their stems) that an emergency is told with, or that takes one back.
The classifier weighs concepts, and pairs of them in one clause, beside words, so that a word it never saw counts for as
much as its neighbours in the list do.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

_LEXICON: dict[str, str] = {
    # Of whom.
    "kin": (
        r"mae|pai|papai|mamae|mainha|painho|vo|vovo|avo|avos|pais|filh[oa]\w*|marido|espos[oa]|mulher|irma|irmao|"
        "ti[oa]|prim[oa]|sobrinh[oa]|net[oa]|netinh[oa]|sogr[oa]|cunhad[oa]|namorad[oa]|noiv[oa]|companheir[oa]|"
        "afilhad[oa]|padrasto|madrasta|padrinho|madrinha|enteado|ex|bisavo|familia"
    ),
    "other": (
        "vizinh[oa]|amig[oa]|colega|moc[oa]|rapaz|senhor[a]?|velh(?:inh)?[oa]|veio|homem|mulher|menin[oa]|"
        r"guri[a]?|crianca|garot[oa]|alun[oa]|pacient\w+|pedreiro|patr[oa]+|pessoa|gente|alguem|idos[oa]|caseiro|"
        "faxineira|baba|motorista|adolescente|jovem|funcionari[oa]|cliente|ela|ele|dele|dela|piqu?en[oa]|cara|"
        "sujeito|dona|seu"
    ),
    "baby": (
        r"bebes?|bebezinh[oa]s?|nenes?|nenens?|nenem\w*|recem|neonato|rn|pequenininh[oa]|filhinh[oa]|criancinha|"
        "bb|bebezinh[oa]|moleira|fralda"
    ),
    "small": (
        "dias de vida|"
        r"(?<!faz )(?<!ha )(?<!tem )(?:\d+|um|dois|tres|quatro|cinco|seis|sete) (?:dias|semanas|"
        "mes(?:es)?)(?! (?:passad|atras|de gesta|que))"
    ),
    "pregnant": (
        r"gravid\w+|gestant\w+|gestac\w+|prenha|buchuda|esperando (?:nenem|bebe)|semanas de gest\w+|barriguda"
    ),
    "labour": (
        r"bolsa|contrac\w+|parto|nasc(?:e|er|endo|eu)|pari|pariu|placenta|cordao|aborto\w*|"
        "ganh(?:ei|ou|ando) nenem|dando a luz|coroando|cesarea|liquido|coagulos?"
    ),
    "beast": (
        r"cobras?|jararaca|cascavel|coral|surucucu|escorpi\w+|lacraia|aranhas?|armadeira|abelhas?|vespas?|"
        "marimbondos?|maribondos?|formigas?|taturana|lagarta|agua viva|caravela|arraia|morcego|pitbull|"
        "rottweiler|boi|vaca|cavalo|touro|porco|macaco|piranha|jacare|bicho"
    ),
    # Of what.
    "chest": r"peit\w*|torax|coracao|coracaozinho|costelas?|esterno|mama esquerda|boca do estomago",
    "head": r"cabec\w*|cabes\w*|nuca|cranio|testa|moleira|galo|cerebr\w+",
    "face": r"rosto|ros?tinho|face|car[ai]nha|bochecha|fei[cs]\w+",
    "mouth": r"boca|boquinha|labios?|beic\w+|lingua|bocatorta|sorriso|sorrir|babando|baba|babar|saliva",
    "throat": r"gargant\w+|goela|glote|pescoc\w+|traquei\w+|traqueo\w+|engolir|engole|voz|rouc[oa]|tireoide",
    "limb": (
        "bracos?|brac[oi]nho|maos?|perna|pernas|perninha|pes?|pezinho|dedos?|punho|pulsos?|tornozelo|joelho|"
        "panturrilha|ombro|quadril|coxa"
    ),
    "side": "lado|metade|um lado|lado (?:direito|esquerdo)|de um lado",
    "belly": r"barrig\w+|abdom\w+|estomago|intestin\w+|ventre|pe da barriga|figado|bexiga|apendic\w+|hernia",
    "eye": r"olh(?:o|os|inho|inhos|ar)|vista|visao|enxerg\w+|cego|ceg[ao]s?|pupilas?|ver|vendo",
    "spine": "coluna|espinha|costas|lombar|cervical|do pescoco para baixo|da cintura para baixo",
    "private": r"testicul\w+|saco escrotal|penis|vagina|ali embaixo|la embaixo|partes intimas",
    "skin": r"pele|couro|manchas?|manchinhas?|placas?|empol\w+|urticaria|bolh\w+|vermelh\w+|pintinhas",
    "wound": (
        "corte|cortes|feridas?|ferid[oa]|ponto|pontos|cirurgia|operei|operou|operad[oa]|operar|curativo|dreno|"
        r"sonda|buraco|rasg\w+|fur(?:ou|ad[oa]|ar|ei)|perfur\w+"
    ),
    "bone": (
        r"osso|ossos|fratur\w+|quebr(?:ou|ei|ad[oa])|expost[oa]|luxou|deslocou|femur|bacia|virado|tort[oa]s?"
    ),
    "breath": (
        r"respir\w*|repir\w*|respra|ar|folego|pulm\w+|sufoc\w*|asfixi\w*|bombinha|asma\w*|asmatic\w+|ofegant\w+|"
        r"chiand\w+|chiado|chia|oximetro|satur\w+|oxigen\w+|puxando|cansadinh[oa]|gemend\w+|gemid\w*|geme|"
        "dispneia|enfisema"
    ),
    "pulse": (
        r"puls(?:o|acao|ando)|batiment\w+|batend\w+|coracao|pressao|pa\b|marcapasso|arritm\w+|disparad\w+|"
        r"dispar(?:ou|a)|acelerad\w+|palpita\w+|descompassad\w+"
    ),
    "waking": (
        r"acord\w+|despert\w+|respond\w+|reag\w+|abre o olho|abrir o olho|consci\w+|inconsci\w+|sentidos|"
        r"sinal (?:nenhum|de vida)|sonolen\w+|olho vidrad\w+|coma|atende (?:a gente|quando)|volta a si|"
        "voltou a si|volt(?:a|ou)"
    ),
    "speech": (
        r"fal(?:a|ar|ando|ou)|palavras?|enrol\w+|embol\w+|pastos\w+|arrastad\w+|gaguej\w+|diz coisa|frase"
    ),
    "mind": (
        r"confus\w+|desorient\w+|delir\w+|variando|coisa com coisa|reconhece|nao sabe onde|besteira|bobag\w+|"
        r"surto|alucin\w+|estranh[oa]|lesad[oa]|perdid[oa]"
    ),
    "blood": (
        r"sangu\w*|sangr\w*|jorr\w+|esguich\w+|hemorrag\w+|em jato|poca|encharc\w+|estanc\w+|pingand\w+|borra|"
        r"piche|coagul\w+|hemofilic\w+|minando|vermelho vivo"
    ),
    "fluid": (
        r"vomit\w+|gofand\w+|fezes|coco|evacu\w+|diarreia|xixi|urin\w+|espum\w+|catarro|cuspind\w+|cuspo|tossi\w+|"
        r"tosse|suand\w+|suor"
    ),
    "fever": (
        r"febre|febr\w+|ard(?:e|endo) em|pegando fogo de|temperatura|calafrio\w*|3[89][.,]?\d?|"
        "4[0-2] (?:de febre|graus)|pegando fogo"
    ),
    "sugar": r"glic\w+|dextro|acucar|insulina|diabet\w+|hipoglic\w+|hgt|hemoglicoteste",
    "pain": (
        r"dor|dores|doi|doend\w+|doer|doeu|pontada|fisgada|aperto|apert(?:ad[oa]|ando)|peso|queimacao|ardendo|"
        r"agonia|esmag\w+|colica|pressionand\w+"
    ),
    "stroke": r"avc|ave|derrame|derramando|isquem\w+|aneurism\w+",
    "attack": r"infart\w*|enfart\w*|parada card\w+|ataque|trombose|embolia",
    "seizure": (
        r"convuls\w*|convulc\w*|epilep\w*|epilet\w*|se (?:bat|debat|trem|sacud|contorc)\w+|"
        r"trem(?:endo|edeira|eliques|ores|eu)|revir(?:ou|ando|ad\w+)|virou os olh\w+|olh\w+ vir\w+|repuxad\w+|"
        r"endureceu|espum\w+|ficou dur[oa]|corpo duro|crise"
    ),
    # How it fares.
    "gone": (
        "par(?:ou|ando)|sum(?:iu|indo|ind)|perd(?:i|eu|endo|eram)|acab(?:ou|ando)|nao vem|nao entra|nao desce|"
        "nao sai|nao passa|nao sobe|nao acho|falh(?:a|ando|ou|am)|apag(?:ou|and[oa]|ad[oa]|uei)|"
        r"mort[oa] de repente|fechand\w+|fech(?:ou|ad[oa])|falt\w+|fraquinh\w+|fraqueza|sem forca|sem sentir|"
        "nao (?:sinto|sente)|trav(?:ou|ad[oa])|bambas?|bambo"
    ),
    "unable": (
        r"nao (?:\w+ )?(?:consig\w+|conseg\w+(?! (?:ir|vir|comparecer|chegar|marcar|mandar|abrir|pagar|"
        r"falar com))|mex\w+|obedec\w+|levant\w+|fica em pe|fico em pe|"
        r"and\w+|respond\w+|reag\w+|acord\w+|despert\w+|respir\w*|fala\w*|abre|volt\w+|estanc\w+|para\b|param|"
        r"cessa|engol\w+|mam\w+|guent\w+|aguent\w+|funcion\w+|resolv\w+|termina|segur\w+|deita|da sinal|"
        r"tem pulso|faz xixi|solta|desgruda|desengasg\w+)|mal consig\w+|mal conseg\w+"
    ),
    "limp": (
        r"mol(?:e|es|inh[oa]|enga)|amolec\w+|largad\w+|apatic\w+|prostrad\w+|desfalec\w+|desmai\w*|desmay\w+|"
        r"desacordad\w+|caid[oa]|estatelad[oa]|estirad[oa]|desmanch\w+|arri(?:ou|ad[oa])|sem (?:se )?mexer|imovel|"
        r"boiando|paralis\w+|dormente\w*|dormencia|adormec\w+|formig\w+|arrastando|tropec\w+|inert[ea]|entreg\w+"
    ),
    "colour": (
        r"(?<!sala )(?<!casa )(?<!predio )(?<!porta )(?<!portao )(?<!carro )(?<!ficha )(?<!linha )(?:"
        r"rox\w+|arroxead\w+|azul\w*|azui[sz]|cinz\w+|palid[oa]\w*|branc[oa]\w*|amarel\w+|sem cor|pret[oa]|"
        r"gelad\w+|gelo|fri[oa]\b|frinh[oa]|cianot\w+|esverdead\w+)"
    ),
    "swollen": r"inch\w*|deformad\w+|grossa|virou uma bola|sumiu de tanto|edema",
    "fell": (
        r"cai(?:u|ram|ndo)?|despenc\w+|desab\w+|rol(?:ou|ei) (?:a |da )?escad\w+|escorreg\w+|tomb(?:o|ou)|queda|"
        r"arremess\w+|vo(?:ou|ei) d\w+|pisou em falso|derrap\w+|capot\w+|virou"
    ),
    "struck": (
        r"bat(?:eu|i|emos|eram)|bateram|pancad\w+|paulad\w+|atropel\w+|esmag\w+|prens\w+|acident\w+|colid\w+|"
        r"soterr\w+|atravess\w+|perfur\w+|decep\w+|amput\w+|arranc\w+|cort(?:ou|ei|ad\w+)|passou por cima|"
        r"em cima d\w+|pres[oa] (?:dentro|n\w+)|ferragens|pis(?:ou|ad[oa])|maquita|serra|motosserra|"
        "machucad[oa]s?|ferid[oa]s?"
    ),
    "burnt": (
        r"queim\w+|fogo|ferv\w+|chama[s]?\b|explod\w+|explos\w+|em carne viva|oleo quente|cafe quente|agua quente|"
        r"acido|soda|escald\w+|incendi\w+|fumaca|escapamento|alcool|churrasqueira|fogueira|gas\b|botijao"
    ),
    "shocked": r"choque|eletrocut\w+|tomada|fio|alta tensao|raio|eletric\w+|grudad\w+",
    "drowned": (
        r"afog\w+|afund\w+|bebeu agua|engoliu (?:muita )?agua|cara na agua|boiando|piscina|represa|rio|mar|"
        r"banheira|balde|tiraram d\w+ (?:mar|agua|rio|piscina)"
    ),
    "stuck": (
        r"engasg\w*|ingasg\w*|ental\w+|pres[oa] na|atravessad\w+|entup\w+|"
        r"foi para o (?:lugar|lado|caminho|buraco) errado|desengasg\w+|aspir(?:ou|ei)|desce nem agua|"
        "passa nem agua|dentadura"
    ),
    "object": (
        "moeda|bateria|pilha|ima|imas|bolinha|botao|tampinha|brinquedo|caroco|prego|agulha|vidro|parafuso|peca|"
        "mican?ga|feijao|milho|amendoim|espinha de peixe"
    ),
    "allergen": (
        "camarao|caranguejo|amendoim|castanha|dipirona|amoxicilina|penicilina|antibiotico|contraste|vacina|"
        r"injecao|tinta|latex|alerg\w+|anafil\w+|reacao|anestesia"
    ),
    "took": (
        r"tom(?:ei|ou|o|aram|a)|engol(?:iu|i|ir)|beb(?:eu|i)|bbei|inger\w+|com(?:eu|i)\b|botou na boca|"
        r"virou o frasco|lambeu|mastig\w+|cheir(?:ou|ei)|inal\w+|aplic(?:ou|uei)|injet\w+|usou|mistur\w+|dei|"
        "demos|deram|respir(?:ei|ou)|pegou o remedio"
    ),
    "poison": (
        r"venen\w+|vneeno|chumbinho|raticida|agrotox\w+|inseticida|desinfet\w+|candida|agua sanitaria|alvejante|"
        "cloro|soda|thinner|querosene|gasolina|naftalina|produto de limpeza|detergente|metanol|planta|"
        r"comigo ninguem pode|cogumelo|cola\b|gas\b|intoxic\w+|overdose|droga\w*|cocaina|crack|lanca perfume|"
        "opioide|heroina|formicida|aguarras|removedor|acetona"
    ),
    "medicine": (
        r"remedi\w*|comprimid\w*|pilulas?|cartelas?|rivotril|clonazepam|diazepam|calmant\w*|sertralina|fluoxetina|"
        r"paracetamol|medicac\w+|medicament\w*|losartana|frasco|gotas|dose|doses|ml|capsulas?|tarja preta|"
        r"antidepressiv\w+"
    ),
    "excess": (
        r"tod[oa]s?|inteir\w+|demais|muit[oa]s|monte|varios|varias|um vidro|o vidro|o dobro|duas vezes|dez vezes|"
        r"errad[oa]|trocad[oa]|de uma vez|tudo|uns \w+|\d{2,}"
    ),
    "bitten": (
        "pic(?:ou|ada|adas|ado|aram|ei)|mord(?:eu|ida|eram|ido)|ferr(?:ou|oada|oou)|avancou|atac(?:ou|aram)|pegou"
    ),
    # Of one's own will, or another's.
    "die": (
        r"morr\w*|mort[oa]|morte|me mat\w+|se mat\w+|mim mat\w+|mi mat\w+|matar|mata\b|suicid\w*|"
        r"tirar (?:a )?(?:minha|propria)|enforc\w+|nao acordar|viver|vivendo|morrendo|me mato|se mato|vivo\b|"
        r"viva\b|existir|existo|acabar com|dar (?:um )?fim|por (?:um )?fim|fim em tudo|"
        "dormir (?:para sempre|e nao)|apagar para sempre|(?<!a )partir|desaparecer|sumir|me vou|vou me embora|"
        r"vou embora|for embora|ir embora|deixar de existir|encontrar (?:a|o|com) \w+ no ceu|"
        r"acab(?:ar|o) (?:com )?(?:tudo|isso|logo)|me jog\w+|se jog\w+|me atirar|pular"
    ),
    "despair": (
        r"nao (?:aguento|guento|suporto|vejo|quero|tenho|tem) mais|cansei|cansad[oa] de|sem saida|saida|desist\w+|"
        r"sentido|esperanca|ninguem (?:precisa|vai sentir|liga\w*|ia|notar\w*)|sem mim|peso (?:para|na)|fardo|"
        r"atrapalh\w+|dar trabalho|melhor (?:sem|para todos|se)|desesper\w+|so (?:penso|queria|quero)|decidi|"
        "ja decidi|nao (?:queria|quero) estar|graca|nunca ter nascido|vontade"
    ),
    "farewell": (
        r"adeus|desped\w+|carta|bilhete|perdao|me perdo\w+|cuid\w+ d[aeo]s? meus?|cuid\w+ d[aeo]s? minhas?|"
        "ultim[oa] (?:dia|vez|mensagem|noite)(?! d[aeo]s?\b)|testamento|senhas|deixei tudo|quando lerem|ate nunca|"
        "obrigad[oa] por tudo|amo voces"
    ),
    "means": (
        "corda|ponte|passarela|viaduto|predio|telhado|janela|sacada|andar|terraco|trilho|metro|arma|revolver|"
        r"pistola|estilete|gilete|lamina|navalha|faca|facao|tesoura|pulsos|penhasco|forca\b|veneno|"
        r"contra (?:um|o) muro|na frente d\w+ (?:trem|caminhao|carro|onibus)"
    ),
    "selfharm": (
        r"me cort\w+|se cort\w+|mutil\w+|me machuc\w+|me fur\w+|me queim\w+|me arranh\w+|"
        r"se machuc\w+ de proposito|se furar|cortes no"
    ),
    "voices": "vozes|mandando eu|mandam eu",
    "violence": (
        r"espanc\w+|apanh(?:ei|ou|ando)|agred\w+|agress\w+|bat(?:eu|e|endo) em mim|me bat\w+|estrangul\w+|"
        r"enforc\w+|estupr\w+|violent\w+|abus\w+|mexeu n\w+|ameac\w+|me tranc\w+|tranc(?:ou|ad[oa])|invad\w+|"
        r"armad[oa]|assalt\w+|refem|me doparam|dop\w+|sem roupa|quebrando tudo|tiro|balead\w+|bala|facad\w+|"
        r"esfaqu\w+|surra|soco|chutes?|pescoco ate"
    ),
    # How bad, since when, and whether it is called for.
    "severe": (
        r"muit[oa]|mto|mt|demais|fort\w*|horriv\w+|insuportav\w+|absurd\w+|grave|gravissim\w+|pior|piorando|"
        r"gritando|desesper\w+|nao para|sem parar|intens\w+|explod\w+|rasgando|explosao|tanto"
    ),
    "sudden": (
        "de repente|do nada|de uma hora para outra|agora|agorinha|acab(?:ou|ei|aram) de|agora ha pouco|"
        r"ainda pouco|na hora|subit\w+|ha \w+ minutos|faz \w+ minutos|faz (?:uma|meia) hora|desde cedo|hoje|"
        "neste momento|nesse momento|minutos"
    ),
    "still": "de novo|ainda|continua|nao passa|nao melhora|so piora|piorando|outra vez|seguidas?|cada vez",
    "help": (
        r"socor\w*|soccoro|ajud\w*|acod\w*|pelo amor de deus|vem logo|venham|rapido|urgente|emergencia|samu|"
        r"ambulanc\w+|bombeir\w+|resgate|192|193|o que (?:eu )?faco|nao sei o que fazer|para quem (?:eu )?lig\w+|"
        "mandem?|chamem?|chama"
    ),
    "here": "aqui|em casa|na rua|no chao|na calcada|no banheiro|na estrada|no corredor|sozinh[oa]|na porta",
    "ill": (
        "passando mal|pass(?:ou|ei|ar) mal|mal demais|muito mal|um troco|um treco|um negocio|piripaque|"
        "mal subito|indo embora|esta indo|nao (?:vai|vou) aguentar|nas ultimas"
    ),
    # What takes it back, or is no one in danger.
    "past": (
        r"(?:ha|faz|tem) (?:\w+ ){0,3}(?:anos|meses|mes|ano|semanas?|dias)|(?:em|de) (?:19|20)\d\d|um tempo|"
        r"(?:ano|mes|semana)s? (?:passad|retrasad)[oa]s?|anos atras|em (?:19|20)\d\d|quando (?:era|eu era|tinha)|"
        "na infancia|na adolescencia|de nascenca|"
        r"desde (?:crianca|pequen[oa]|a infancia|os \d+|(?:19|20)\d\d|janeiro|fevereiro|marco|abril|maio|"
        "junho|julho|agosto|setembro|outubro|novembro|dezembro)|desde o (?:derrame|avc|acidente|infarto|parto)|"
        "em (?:janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)|"
        "antig[oa]s?|ja tive|ja teve|uma vez|outro dia|ontem|anteontem|domingo|sabado|no fim de semana"
    ),
    "chronic": (
        "as vezes|de vez em quando|vez ou outra|sempre|todo (?:dia|mes|ano)|toda (?:semana|noite|vez)|"
        r"cronic[oa]s?|controlad\w+|acompanh\w+|tratamento|trato|tratar|historico|genetic\w+|heredit\w+|"
        r"frequente\w*|ultimamente|ando|anda|volta e meia|"
        "quando (?:corro|subo|ando|durmo|acordo|como|espreguico|fico|faco|levanto|piso|esfria|escovo|digito|"
        "caminho|treino|bebo|deito)|de familia|desde bebe|ha anos|faz anos|de repeticao|na familia"
    ),
    "well": (
        "esta (?:tudo )?(?:bem|otim[oa]|melhor|estavel|normal|brincando|boa|bom|curad[oa])|"
        "estou (?:bem|otim[oa]|melhor|boa|bom|estavel|livre)|melhor(?:ou|ei|ando)|ja passou|passou|sarou|sarei|"
        "curou|baixou|teve alta|tive alta|deu alta|liber(?:ou|ad[oa])|fora de perigo|deu tudo certo|brincando|"
        r"normal|so (?:um )?susto|ninguem se (?:feriu|machucou)|recuper\w+|sumiu ja|ja sumiu|medicad[oa]|"
        r"controlad[oa]|ok|tranquil[oa]|gracas|de molho|sem vitimas|ninguem ferid[oa]|normaliz\w+|cicatriz\w+|"
        "sem dor|nao era (?:nada|avc|infarto)"
    ),
    "incare": (
        "internad[oa]|internacao|na uti|no cti|hospitalizad[oa]|no hospital|no posto|upa|pronto socorro|"
        "na emergencia|santa casa|faleceu|falecid[oa]|velorio|enterro|luto|veio a obito|ja levou|"
        r"ja foi (?:atendid|levad)\w+"
    ),
    "mild": (
        r"lev(?:e|es|inho|emente)|pouc[oa]|pouquinho|levinh\w+|febrinha|dorzinha|pontadinha|fraquinha?|"
        r"nada (?:grave|de mais|demais|urgente)|pinguinho|bolota|casquinha|incomod\w+|chatinh\w+|"
        "so (?:avermelhou|ralou|um)|ardid[oa]|baixinha|meio|coca|coceira|cocando|descascando|cansaco|"
        "rala(?:do|ou)"
    ),
    "wish": (
        r"(?:re|des)?marc(?:ar|a|o|ou)|agend\w+|consulta\w*|horario|vaga|encaix\w+|retorno|check ?-?up|rotina|"
        r"avaliacao|avaliar|investigar|exame\w*|laudo|receita|atestado|relatorio|quero|queria|gostaria|preciso|"
        r"cancel\w+|remarc\w+|desmarc\w+|terapia|acompanhamento|prevenir|preventiv\w+|revisao|revisar"
    ),
    "asks": (
        r"quanto custa|qual|quais|quanto|voces|atendem|fazem|tem (?:como|\w+ogista)|aceita\w*|cobre|que horas|"
        "onde|posso|pode|existe|dao|perto|do lado|em frente"
    ),
    "laugh": r"k|rs|haha\w*|hehe\w*|brincadeira|brinks|kk\w*|😂|🤣",
    "fiction": (
        "novela|serie|filme|documentario|reportagem|podcast|estagio|curriculo|tecnic[oa] de enfermagem|livro|"
        r"jornal|noticia|televisao|tv|personagem|prova|trabalho d\w+ (?:escola|faculdade)|tcc|curso|palestra|aula|"
        "treinamento|pesquisa|campanha|setembro amarelo|curiosidade|faculdade|concurso|enem|jogo|campeonato|"
        r"plantao|vaga de emprego|emprego|enfermeir[oa]|bombeiro|socorrista|trabalho n\w+"
    ),
    "deny": (
        "nao (?:e|eh) (?:uma )?(?:emergencia|urgencia|urgente|nada)|sem (?:dor|febre|falta de ar|sangramento)|"
        "nunca (?:tive|teve)|nao (?:tenho|tive|teve|sinto) (?:nada|dor|falta)|nao estou passando mal"
    ),
    "idle": (
        r"de (?:rir|fome|saudade\w*|vergonha|sono|calor|cansaco|raiva|preguica|medo|curiosidade|ansiedade|"
        "alegria|felicidade|inveja|tedio|susto|tanto|amores|tristeza)|calor|segunda feira|chefe|governo|time|"
        "flamengo|corinthians|casamento|natal|praia|ferias"
    ),
    "animal": (
        r"cachorr\w+|cadel\w+|gat(?:o|a|inh[oa])|cao|pet|pets|passarinho|peixe|coelh[oa]|hamster|papagaio|"
        r"calopsita|bicho de estimacao|veterinari\w+|animais?"
    ),
    "thing": (
        "celular|telefone|computador|notebook|pc|tela|internet|wi ?fi|sinal|luz|energia|sistema|site|link|app|"
        "aplicativo|ligacao|carro|moto|pneu|bateria|onibus|transito|preco|valor|conta|boleto|foto|video|"
        r"restauracao|aparelho|bolsa rasg\w+|mochila|zip\w+|sapato|oculos|time|jogo|carga"
    ),
}  # fmt: skip

_PATTERNS = {name: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])") for name, words in _LEXICON.items()}
_CLAUSES = re.compile(r"[,.;!?:\n]+| (?=(?:mas|porem|so que|ai|entao) )")
_CALMING = frozenset(
    ("past", "chronic", "well", "incare", "mild", "asks", "laugh", "fiction", "deny", "idle", "animal", "thing", "wish")
)
"""Concepts that take what is told back, or tell it of something that is in no danger."""
_OF_WHOM = frozenset(("kin", "other", "baby", "small", "here", "sudden", "severe", "still", "excess"))
"""Concepts that tell whom, where and how much."""
_HARMLESS = _OF_WHOM | {
    "help",
    "object",
    "took",
    "eye",
    "speech",
    "side",
    "limb",
    "face",
    "head",
    "mouth",
    "spine",
    "gone",
    "unable",
}
"""Concepts that are no danger by themselves: where there is no other, a message is left to its words."""


@lru_cache(maxsize=1024)
def _in_clause(clause: str) -> tuple[str, ...]:
    return tuple(name for name, pattern in _PATTERNS.items() if pattern.search(clause))


def concepts(norm: str) -> Iterator[str]:
    """The names of what a normalised message is about, and of the pairs that one clause of it brings together.

    A concept in a clause that takes nothing back is named with a "!", and what calms anywhere with a "~". A message
    that names no danger has none.
    """
    clauses = [_in_clause(clause) for clause in _CLAUSES.split(norm)]
    if all(name in _HARMLESS or name in _CALMING for found in clauses for name in found):
        return
    for found in clauses:
        yield from found
        if not _CALMING.intersection(found):
            yield from (f"!{name}" for name in found if name not in _OF_WHOM)
        for one, other in combinations(found, 2):
            yield f"{one}+{other}"
    for name in sorted(_CALMING.intersection(name for found in clauses for name in found)):
        yield f"~{name}"
